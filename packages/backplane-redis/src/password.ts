import { createHash } from "node:crypto";

/** What the engine keeps of a room's password: enough to compare. Empty for a public room. */
export function digestOf(prefix: string, password: string): string {
  return password === "" ? "" : createHash("sha256").update(`${prefix}\0${password}`).digest("hex");
}
