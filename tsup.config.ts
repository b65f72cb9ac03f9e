import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { defineConfig } from "tsup";

/** One build for every package: the entries are what the package's own `exports` name as source. */
const pkg = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, string | { source?: string }>;
};
const entries: Record<string, string> = {};
for (const target of Object.values(pkg.exports)) {
  if (typeof target === "string" || target.source === undefined) continue;
  entries[basename(target.source, ".ts")] = target.source;
}

export default defineConfig({
  entry: entries,
  format: "esm",
  target: "es2023",
  platform: "neutral",
  // Names such as node:sqlite exist in this one form, and are nobody's package.
  external: [/^node:/],
  removeNodeProtocol: false,
  dts: true,
  clean: true,
  sourcemap: true,
});
