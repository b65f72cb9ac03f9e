import { build } from "vite";

// The console's files, made by Vite.
//
//   node build.ts FOLDER   writes them there, for the published package
//   node build.ts          prints them: a JSON object, path -> content in base64. What a server in a clone runs

const [folder] = process.argv.slice(2);
const root = import.meta.dirname;
const result = await build({
  root,
  configFile: false,
  logLevel: "error",
  build: {
    write: folder !== undefined,
    outDir: folder === undefined ? "dist" : `${process.cwd()}/${folder}`,
    emptyOutDir: true,
    target: "es2022",
    // Everything is a file of its own: the page's policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: `${root}/index.html`, login: `${root}/login.html` } },
  },
});
if (folder === undefined) {
  if (Array.isArray(result) || !("output" in result)) throw new Error("Vite gave no single result");
  const files = result.output.map((file) => {
    const content = file.type === "chunk" ? file.code : file.source;
    return [file.fileName, Buffer.from(content).toString("base64")];
  });
  process.stdout.write(JSON.stringify(Object.fromEntries(files)));
}
