// Bundles the sources of the pages into the Python package, which holds nothing but the bundles.
//
//     npm run build     write them
//     npm run check     check types, and compare the bundles with those that are committed

import { build } from "esbuild";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OUTPUT = fileURLToPath(new URL("../src/lenet/playground/bundles/", import.meta.url));

/** What is the same for all of them. */
const options = {
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  outdir: OUTPUT,
  bundle: true,
  minify: true,
  write: false,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
};

// A page that was opened from a file may not start a worker that is a module.
const built = await Promise.all([
  build({ ...options, format: "esm", entryPoints: { lab: "lab/lab.tsx" } }),
  build({ ...options, format: "iife", entryPoints: { training: "training/worker.ts" } }),
]);
const outputFiles = built.flatMap(({ outputFiles: files }) => files);

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
