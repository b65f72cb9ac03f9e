import { readFileSync } from "node:fs";

/** The version of this package, and so of the server. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
).version;
