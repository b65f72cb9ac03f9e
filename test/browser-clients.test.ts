import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { RECONNECT_DEFAULTS } from "@wireyard/transport";
import { build, type Metafile } from "esbuild";
import { describe, expect, test } from "vitest";

const packages = join(import.meta.dirname, "..", "packages");

/** Most bytes, gzipped, that a page loads for a client. The aim is 6,000 for each; none may grow on the way there. */
const BUDGETS = {
  "comma-command": 6_000,
  "colon-relay": 6_000,
  "varint-state": 7_050,
  "json-packet": 8_850,
};

interface Bundle {
  text: string;
  /** Of what is loaded at once; what is imported later, where it is asked for, is not among it. */
  gzipped: number;
}

/** A client as a bundler for browsers makes it, of the sources. */
async function bundle(name: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(packages, name, "src", "client.ts")],
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: "/out",
    format: "esm",
    platform: "browser",
    target: "es2023",
    conditions: ["source", "browser"],
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  let gzipped = 0;
  for (const file of loadedWith("client.js", outputs)) {
    gzipped += gzipSync(files.get(file) as Uint8Array, { level: 9 }).length;
  }
  return { text: outputFiles.map((file) => file.text).join("\n"), gzipped };
}

function loadedWith(entry: string, outputs: Map<string, Metafile["outputs"][string]>): Set<string> {
  const loaded = new Set([entry]);
  for (const file of loaded) {
    for (const { path, kind } of outputs.get(file)?.imports ?? []) {
      if (kind === "import-statement") loaded.add(basename(path));
    }
  }
  return loaded;
}

describe.each(Object.entries(BUDGETS))("the client of %s", (name, budget) => {
  test("is bundled for browsers without anything of Node's, within its budget", async () => {
    const { text, gzipped } = await bundle(name);
    // One name stands in a look-up that browsers answer with nothing.
    expect(text.replace('getBuiltinModule?.("node:buffer")', "")).not.toMatch(/["'`]node:/);
    expect(gzipped).toBeLessThanOrEqual(budget);
  });

  test("has the defaults of reconnect in its README that the code has", () => {
    const readme = readFileSync(join(packages, name, "README.md"), "utf8");
    const section = readme.slice(readme.indexOf("| field of `reconnect` |"));
    const rows = [...section.slice(0, section.indexOf("\n\n")).matchAll(/^\| `(\w+)` \| `(\d+)` \|/gm)];
    const told = Object.fromEntries(rows.map(([, field, value]) => [field, Number(value)]));
    expect(told).toEqual(RECONNECT_DEFAULTS);
  });
});
