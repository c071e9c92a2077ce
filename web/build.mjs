// Bundles the sources of the pages into the Python package, which holds nothing but the bundles.
//
//     npm run build     write them
//     npm run check     check types, and compare the bundles with those that are committed

import { build } from "esbuild";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OUTPUT = fileURLToPath(new URL("../src/lenet/playground/bundles/", import.meta.url));

const { outputFiles } = await build({
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  entryPoints: { lab: "lab/lab.tsx", training: "training/worker.ts" },
  outdir: OUTPUT,
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
});

const differing = outputFiles.filter(({ path, contents }) => {
  try {
    return !readFileSync(path).equals(contents);
  } catch {
    return true; // there is none yet
  }
});
const names = differing.map(({ path }) => path.slice(OUTPUT.length));
if (process.argv.includes("--check")) {
  if (names.length) {
    console.error(`Not what the sources give: ${names.join(", ")}. Run \`make pages\`, and commit.`);
    process.exit(1);
  }
} else {
  mkdirSync(OUTPUT, { recursive: true });
  for (const { path, contents } of differing) writeFileSync(path, contents);
}
for (const { path, contents } of outputFiles) {
  const name = path.slice(OUTPUT.length);
  console.log(`${name}: ${contents.length.toLocaleString("en")} bytes`);
}
