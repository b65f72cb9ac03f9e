import { build, defaultClientConditions } from "vite";

// The pages among the examples, made by Vite as the console is, of the packages' sources.
//
//   node build.ts   prints them: a JSON object, path -> content in base64

const root = import.meta.dirname;
const pages = ["index", "chat-browser/index", "cursors/index", "server-list/index"];
const result = await build({
  root,
  configFile: false,
  logLevel: "error",
  base: "/examples/",
  resolve: { conditions: ["source", ...defaultClientConditions] },
  build: {
    write: false,
    target: "es2023",
    // Everything is a file of its own: the server's policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: Object.fromEntries(pages.map((page) => [page, `${root}/${page}.html`])) },
  },
});
if (Array.isArray(result) || !("output" in result)) throw new Error("Vite gave no single result");
const files = result.output.map((file) => {
  const content = file.type === "chunk" ? file.code : file.source;
  return [file.fileName, Buffer.from(content).toString("base64")];
});
process.stdout.write(JSON.stringify(Object.fromEntries(files)));
