// Functions that clients call, encrypted: JSON packets over TCP.
//
//   node server.js [PORT] [FILE]       FILE keeps the server's private key

import { readFile, writeFile } from "node:fs/promises";
import { createEncryptKeys, exportEncryptKeys, importEncryptKeys } from "@wireyard/json-packet";
import { jsonPacket } from "@wireyard/json-packet/server";
import { createHub, memoryAccounts } from "@wireyard/session";
import { listenTcp } from "@wireyard/transport";

const [port = "25566", file = "rpc.pkcs8"] = process.argv.slice(2);

/** The same key at each start: clients know the server by it. */
async function keysOf(file) {
  try {
    return await importEncryptKeys(await readFile(file));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    const keys = await createEncryptKeys();
    await writeFile(file, await exportEncryptKeys(keys), { mode: 0o600, flag: "wx" });
    return keys;
  }
}

const encryptKeys = await keysOf(file);
const hub = createHub({ accounts: memoryAccounts() });
const server = jsonPacket(hub, { encryption: "required", encryptKeys });

/** What a stranger sent is checked first. Zod, Valibot and ArkType make such a schema; by hand it is this. */
const numbers = {
  "~standard": {
    version: 1,
    vendor: "example",
    validate: (value) =>
      Array.isArray(value) && value.length > 0 && value.every(Number.isFinite)
        ? { value }
        : { issues: [{ message: "an array of numbers is needed" }] },
  },
};
const sum = (values) => values.reduce((sum, value) => sum + value, 0);

server.bindAction("sum", sum, { schema: numbers });
server.bindAction("mean", (values) => sum(values) / values.length, { schema: numbers });
// What takes a while returns a promise.
server.bindAction("hash", async (data) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(String(data)));
  return Buffer.from(digest).toString("hex");
});

const listener = await listenTcp(server, { port: Number(port) });
console.log(
  `listening on ${listener.port}; the key's fingerprint, for clients to pin:\n${encryptKeys.fingerprint}`,
);
