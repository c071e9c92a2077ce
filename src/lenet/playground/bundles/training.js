var e=r=>({kind:"refused",message:r.kind});export{e as answer};
