// Calls the functions of server.js.
//
//   node client.js FINGERPRINT [URL]

import { connectJsonPacket, JsonPacketRefusal } from "@wireyard/json-packet/client";

const [pin, url = "tcp://127.0.0.1:25566"] = process.argv.slice(2);
if (pin === undefined) {
  console.error("usage: node client.js FINGERPRINT [URL]      the server prints its fingerprint");
  process.exit(2);
}

// With the pin no other server can pose as this one, and nothing is sent in the clear.
const client = await connectJsonPacket({ url, pin });
console.log("encrypted", client.encrypted);
console.log("sum", await client.request("sum", [1, 2, 3]));
// Of one name, one after the other; of several names at once.
const [mean, hash] = await Promise.all([
  client.request("mean", [1, 2, 6]),
  client.request("hash", "wireyard"),
]);
console.log("mean", mean);
console.log("hash", hash);
try {
  await client.request("sum", "three");
} catch (error) {
  if (!(error instanceof JsonPacketRefusal)) throw error;
  console.log("refused", error.code, "-", error.message);
}
client.close("done");
