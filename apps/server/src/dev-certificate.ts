import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/** A certificate and its key, as PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;

/** Tags of DER. [X.690] */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const SEQUENCE = 0x30;
const SET = 0x31;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const TRUE = Buffer.of(0x01, 0x01, 0xff);

/** The object ids that are needed, as DER has them. */
const ID = {
  commonName: "550403",
  ecdsaWithSha256: "2a8648ce3d040302",
  subjectKeyIdentifier: "551d0e",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  extendedKeyUsage: "551d25",
  serverAuth: "2b06010505070301",
};

/**
 * Makes a certificate on P-256 that its own key has signed, for trying things out: nobody trusts it who is not told to.
 *
 * @param names host names and addresses that it is for
 * @see RFC 5280, 4.1
 */
export function makeDevCertificate(
  names: readonly string[],
  { days = 365, now = Date.now() }: { days?: number; now?: number } = {},
): CertificatePair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicInfo = publicKey.export({ type: "spki", format: "der" });
  const algorithm = der(SEQUENCE, objectId(ID.ecdsaWithSha256));
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, objectId(ID.commonName), der(UTF8_STRING, Buffer.from("Wireyard development")))),
  );
  const serial = randomBytes(16);
  // Positive, and without a leading zero.
  serial[0] = (serial.readUInt8(0) & 0x7f) | 0x40;
  const content = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.of(2))),
    der(INTEGER, serial),
    algorithm,
    name,
    // Clocks differ: from an hour ago.
    der(SEQUENCE, time(now - 3_600_000), time(now + days * DAY_MS)),
    name,
    publicInfo,
    der(0xa3, der(SEQUENCE, ...extensions(names, publicInfo))),
  );
  const signature = bits(sign("sha256", content, privateKey));
  return {
    cert: pem("CERTIFICATE", der(SEQUENCE, content, algorithm, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function extensions(names: readonly string[], publicInfo: Buffer): Buffer[] {
  return [
    extension(ID.basicConstraints, true, der(SEQUENCE)),
    // Digital signatures: one bit, seven unused.
    extension(ID.keyUsage, true, der(BIT_STRING, Buffer.of(7, 0x80))),
    extension(ID.extendedKeyUsage, false, der(SEQUENCE, objectId(ID.serverAuth))),
    extension(
      ID.subjectKeyIdentifier,
      false,
      der(OCTET_STRING, createHash("sha256").update(publicInfo).digest().subarray(0, 20)),
    ),
    extension(ID.subjectAltName, false, der(SEQUENCE, ...names.map(alternativeName))),
  ];
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return der(SEQUENCE, objectId(id), critical ? TRUE : Buffer.alloc(0), der(OCTET_STRING, value));
}

function alternativeName(name: string): Buffer {
  switch (isIP(name)) {
    case 4:
      return der(0x87, Buffer.from(name.split(".").map(Number)));
    case 6:
      return der(0x87, bytesOfIpv6(name));
    default:
      return der(0x82, Buffer.from(name, "ascii"));
  }
}

/** The sixteen bytes of an address, which a URL shows in groups and with at most one `::`. */
function bytesOfIpv6(address: string): Buffer {
  const [left = "", right = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (half: string): string =>
    half
      .split(":")
      .map((group) => group.padStart(4, "0"))
      .join("");
  const [front, back] = [left, right].map((half) => (half === "" ? "" : groups(half))) as [string, string];
  return Buffer.from(front + "0".repeat(32 - front.length - back.length) + back, "hex");
}

/** One value of DER: tag, length, content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = body.length.toString(16);
  const bytes = Buffer.from(length.length % 2 === 0 ? length : `0${length}`, "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes, body]);
}

function objectId(hex: string): Buffer {
  return der(OBJECT_ID, Buffer.from(hex, "hex"));
}

function bits(bytes: Buffer): Buffer {
  return der(BIT_STRING, Buffer.of(0), bytes);
}

/** Years up to 2049 have two digits. */
function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, "");
  return Number(text.slice(0, 4)) < 2050
    ? der(UTC_TIME, Buffer.from(text.slice(2)))
    : der(GENERALIZED_TIME, Buffer.from(text));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
