"use strict";(()=>{var e=r=>({kind:"refused",message:r.kind});})();
