import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { type Certificate, checkCertificate, type TlsListener } from "@wireyard/transport";
import type { Logger } from "pino";
import type { Config } from "./config/schema.ts";
import { Failure, fileProblem } from "./errors.ts";

/** More is no certificate, and not worth reading. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * Reads what every TLS port shows, and logs until when it is good.
 *
 * @throws {Failure} which names the key, and says what is wrong with its file
 */
export function readCertificate(files: Config["tls"], log: Logger): Certificate {
  const cert = readFile("tls.cert", files.cert);
  const key = readFile("tls.key", files.key);
  const certificate = parsed("tls.cert", files.cert, "a certificate in PEM", () => new X509Certificate(cert));
  const privateKey: KeyObject = parsed(
    "tls.key",
    files.key,
    "a private key in PEM without a passphrase",
    () => createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Failure(`tls.key: ${files.key}: it is not the key of the certificate in ${files.cert}`);
  }
  try {
    checkCertificate({ cert, key });
  } catch (error) {
    throw new Failure(`tls.cert: ${files.cert}: ${(error as Error).message}`, { cause: error });
  }
  const validTo = new Date(certificate.validTo);
  const about = { cert: files.cert, names: certificate.subjectAltName, validTo: validTo.toISOString() };
  if (validTo.getTime() < Date.now()) log.warn(about, "the certificate has expired");
  else log.info(about, "the certificate was read");
  return { cert, key };
}

/** Reads the certificate again for listeners that go on; where it cannot be used the old one stays. */
export function reloadCertificate(
  listeners: readonly TlsListener[],
  files: Config["tls"],
  log: Logger,
): void {
  try {
    const certificate = readCertificate(files, log);
    for (const listener of listeners) listener.reload(certificate);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log.error(`the certificate cannot be used, the old one stays: ${error.message}`);
  }
}

function readFile(key: string, file: string | null): Buffer {
  if (file === null) throw new Failure(`${key}: a TLS port needs it; name a PEM file`);
  try {
    const { size } = statSync(file);
    if (size <= MAX_FILE_BYTES) return readFileSync(file);
    throw new Failure(`it has ${size} bytes, which none has`);
  } catch (error) {
    throw new Failure(`${key}: ${file}: ${fileProblem(error as NodeJS.ErrnoException)}`, { cause: error });
  }
}

function parsed<Value>(key: string, file: string | null, what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw new Failure(`${key}: ${file}: it does not begin with ${what}`, { cause: error });
  }
}
