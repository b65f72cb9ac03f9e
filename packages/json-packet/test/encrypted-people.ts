import { encodeText } from "@wireyard/framing";
import { memoryLinks } from "@wireyard/transport";
import { JsonPacketClient, type JsonPacketClientOptions } from "../src/client.ts";
import { encryptLine } from "../src/encryption.ts";
import {
  acceptOffer,
  createChannel,
  decodePacket,
  decryptPacket,
  type EncryptChannel,
  type EncryptKeys,
  type KeyOffer,
} from "../src/index.ts";
import type { Heard, Person, Yard } from "./people.ts";

/** A raw client that has the server's offer. */
export interface EncryptedPerson {
  person: Person;
  sending: EncryptChannel;
  receiving: EncryptChannel;
  /** The line of an encrypted packet. */
  line(text: string): Promise<string>;
  /** The text of a packet with this client's token. */
  packet(action: string, data?: string): string;
  /** Says packets, each encrypted. */
  say(...texts: string[]): Promise<void>;
  /** Opens the next packets that come, this many; gives action and data, of errors the code alone. */
  hear(count: number): Promise<unknown[]>;
}

/** Exchanges keys with a server; nothing is said encrypted yet. */
export async function exchanged({ connect }: Yard, keys: EncryptKeys): Promise<EncryptedPerson> {
  const person = connect();
  person.say(`{"action":"handShake","data":{"publicKey":"${keys.publicKey}"}}`);
  await person.until(1);
  const [offer] = person.packets() as [Heard];
  const accepted = await acceptOffer(keys, offer.data as KeyOffer);
  const sending = await createChannel("client", accepted.keys.client, accepted.wrappedKey);
  const receiving = await createChannel("server", accepted.keys.server);
  const line = async (text: string): Promise<string> =>
    new TextDecoder().decode(await encryptLine(encodeText(text), sending));
  return {
    person,
    sending,
    receiving,
    line,
    packet: (action, data = "null") =>
      `{"action":"${action}","data":${data},"packet-created":1.5,"token":"${person.token}"}`,
    async say(...texts) {
      for (const text of texts) person.say(await line(text));
    },
    async hear(count) {
      await person.until(count);
      const heard: unknown[] = [];
      for (const text of person.lines.splice(0, count)) {
        const { action, data } = await decryptPacket(decodePacket(encodeText(text)), receiving);
        heard.push(action === "error" ? [action, (data as { code: string }).code] : [action, data]);
      }
      return heard;
    },
  };
}

/** The same, with hands shaken. */
export async function shaking(yard: Yard, keys: EncryptKeys): Promise<EncryptedPerson> {
  const one = await exchanged(yard, keys);
  await one.say('{"action":"handShake"}');
  const [[, data]] = (await one.hear(1)) as [[string, { uuid: string }]];
  one.person.token = data.uuid;
  return one;
}

/** A client on a link to the server of a yard, and all that goes over the wire. */
export function client(
  { server }: Yard,
  options: Partial<JsonPacketClientOptions> = {},
): { client: JsonPacketClient; wire: () => string } {
  const parts: string[] = [];
  const [here, there] = memoryLinks({
    cut(bytes) {
      parts.push(new TextDecoder().decode(bytes));
      return [bytes];
    },
  });
  server.accept(here);
  return {
    client: new JsonPacketClient(there, { timeoutMs: 5_000, ...options }),
    wire: () => parts.join(""),
  };
}
