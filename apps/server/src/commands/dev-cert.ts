import { rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { stringify } from "yaml";
import { makeDevCertificate } from "../dev-certificate.ts";
import { Failure } from "../errors.ts";

export interface DevCertOptions {
  /** Directory that the two files are written to. */
  out: string;
  /** Names and addresses beside this machine's own. */
  name: string[];
  days: number;
  force?: true;
  json?: true;
}

const OWN_NAMES = ["localhost", "127.0.0.1", "::1"];

/**
 * `wireyard config dev-cert`: writes a certificate and its key, and what to put into the configuration.
 *
 * @throws {Failure} where the files cannot be written
 */
export function devCert({ out, name, days, force, json }: DevCertOptions): void {
  const names = [...new Set([...OWN_NAMES, ...name])];
  const pair = makeDevCertificate(names, { days });
  const cert = resolve(out, "wireyard-dev-cert.pem");
  const key = resolve(out, "wireyard-dev-key.pem");
  if (force) for (const file of [cert, key]) rmSync(file, { force: true });
  // Ours alone from its first byte on.
  write(key, pair.key, 0o600);
  try {
    write(cert, pair.cert, 0o644);
  } catch (error) {
    rmSync(key);
    throw error;
  }
  if (json) {
    process.stdout.write(`${JSON.stringify({ cert, key, names, days })}\n`);
    return;
  }
  process.stdout.write(
    `# For ${names.join(", ")}; good for ${days} days. Nobody trusts it who is not told to.\n` +
      stringify({ tls: { cert, key }, protocols: { "colon-relay": { tlsPort: 3390 } } }),
  );
}

function write(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { mode, flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "EEXIST" ? "it is there already; --force takes its place" : message;
    throw new Failure(`${file}: ${why}`, { cause: error });
  }
}
