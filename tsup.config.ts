import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { defineConfig } from "tsup";

type Target = string | { source?: string | Record<string, string> };

/** One build for every package: the entries are what the package's own `exports` and `imports` name as source. */
const pkg = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, Target>;
  imports?: Record<string, Target>;
};
const entries: Record<string, string> = {};
for (const target of Object.values({ ...pkg.exports, ...pkg.imports })) {
  if (typeof target === "string" || target.source === undefined) continue;
  // One for each condition, such as "browser", or the one there is.
  const sources = typeof target.source === "string" ? [target.source] : Object.values(target.source);
  for (const source of sources) entries[basename(source, ".ts")] = source;
}

export default defineConfig({
  entry: entries,
  format: "esm",
  target: "es2023",
  platform: "neutral",
  // Names such as node:sqlite exist in this one form, and are nobody's package. Those of `imports` are chosen where
  // the package is used.
  external: [/^node:/, /^#/],
  removeNodeProtocol: false,
  dts: true,
  clean: true,
  sourcemap: true,
});
