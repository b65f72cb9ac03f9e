import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { RECONNECT_DEFAULTS } from "@wireyard/transport";
import { build, type Metafile } from "esbuild";
import { describe, expect, test } from "vitest";

const packages = join(import.meta.dirname, "..", "packages");

const clients = ["comma-command", "colon-relay", "varint-state", "json-packet"];

/** Most bytes, gzipped, that a page loads at once for a client. */
const BUDGET = 6_000;

/** Most bytes, gzipped, of what is loaded where an option asks for it, by the module it begins with. */
const LATER: Readonly<Record<string, number>> = {
  "way-back": 1_150,
  "client-encryption": 3_150,
  binding: 600,
};

interface Bundle {
  text: string;
  /** Of what is loaded at once; what is imported later, where it is asked for, is not among it. */
  gzipped: number;
  /** Of each module that is imported later. */
  later: Record<string, number>;
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
  const atOnce = loadedWith("client.js", outputs);
  let gzipped = 0;
  const later: Record<string, number> = {};
  for (const [file, contents] of files) {
    const size = gzipSync(contents, { level: 9 }).length;
    if (atOnce.has(file)) gzipped += size;
    else later[file.replace(/-\w+\.js$/, "")] = size;
  }
  return { text: outputFiles.map((file) => file.text).join("\n"), gzipped, later };
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

describe.each(clients)("the client of %s", (name) => {
  test("is bundled for browsers without anything of Node's, within its budget", async () => {
    const { text, gzipped, later } = await bundle(name);
    // One name stands in a look-up that browsers answer with nothing.
    expect(text.replace('getBuiltinModule?.("node:buffer")', "")).not.toMatch(/["'`]node:/);
    expect(gzipped).toBeLessThanOrEqual(BUDGET);
    for (const [module, size] of Object.entries(later)) expect(size).toBeLessThanOrEqual(LATER[module] ?? 0);
    const readme = readFileSync(join(packages, name, "README.md"), "utf8");
    const told = ["way-back", "client-encryption", "binding"].flatMap((module) =>
      module in later ? [(LATER[module] as number).toLocaleString("en")] : [],
    );
    expect(readme.match(/at most ([\d,]+) bytes/g)).toEqual(
      [BUDGET.toLocaleString("en"), ...told].map((bytes) => `at most ${bytes} bytes`),
    );
  });

  test("has the defaults of reconnect in its README that the code has", () => {
    const readme = readFileSync(join(packages, name, "README.md"), "utf8");
    const section = readme.slice(readme.indexOf("| field of `reconnect` |"));
    const rows = [...section.slice(0, section.indexOf("\n\n")).matchAll(/^\| `(\w+)` \| `(\d+)` \|/gm)];
    const told = Object.fromEntries(rows.map(([, field, value]) => [field, Number(value)]));
    expect(told).toEqual(RECONNECT_DEFAULTS);
  });
});
