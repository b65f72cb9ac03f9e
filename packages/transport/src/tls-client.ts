import { isIP } from "node:net";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { ProtocolError } from "@wireyard/framing";
import type { TlsOptions } from "./client-options.ts";
import { type DialOptions, dial } from "./dial.ts";
import type { Link } from "./link.ts";

/** The fingerprint of a certificate, with Node's colons or without. */
const FINGERPRINT = /^[0-9a-f]{64}$/i;

/**
 * Connects a link over TLS.
 *
 * @throws {ProtocolError} `bad_pin` where the server's certificate is not the pinned one
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED` or `DEPTH_ZERO_SELF_SIGNED_CERT`; the signal's reason where
 *   it aborts
 */
export function connectTls(
  options: { host: string; port: number; tls?: TlsOptions } & DialOptions,
): Promise<Link> {
  return dial("tls", "secureConnect", () => openTls(options), options);
}

/** Opens a socket of TLS, which fails where its certificate is not the pinned one. */
export function openTls(options: { host: string; port: number; tls?: TlsOptions }): TLSSocket {
  const { host, port, tls = {} } = options;
  const pin = tls.pin?.replaceAll(":", "").toLowerCase();
  if (pin !== undefined && !FINGERPRINT.test(pin)) {
    throw new TypeError("a pin is the SHA-256 of a certificate: 64 hex digits");
  }
  const settings = {
    host,
    port,
    allowHalfOpen: true,
    // An address is no server name.
    servername: tls.servername ?? (isIP(host) === 0 ? host : ""),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    // A pin says more than a signature.
    rejectUnauthorized: pin === undefined,
  };
  const socket = tlsConnect(settings);
  socket.setNoDelay(true);
  socket.once("secureConnect", () => {
    const found = socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase();
    if (pin === undefined || found === pin) return;
    socket.destroy(
      new ProtocolError("bad_pin", `the server's certificate is ${found}, and the pinned one is ${pin}`),
    );
  });
  return socket;
}
