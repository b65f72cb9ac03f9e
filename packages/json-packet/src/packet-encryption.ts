/** Whole packets, encrypted and opened. Apart from `encryption.ts`, which clients have without what reads packets here. */
import { decodePacket } from "./codec.ts";
import { PacketEncoder } from "./encoder.ts";
import { decryptBytes, type EncryptChannel, encryptLine } from "./encryption.ts";
import type { Packet } from "./packet.ts";

/**
 * Encrypts a packet, its token too, as the next one of the channel.
 *
 * @throws {ProtocolError} `bad_encryption` where the channel's key is used up
 * @see PROTOCOL.md [JSON-8.7]
 */
export async function encryptPacket(packet: Packet, channel: EncryptChannel): Promise<Packet> {
  const line = new PacketEncoder(packet.token).encode(packet);
  return decodePacket(await encryptLine(line, channel));
}

/**
 * Opens an encrypted packet, which has to be the next one of the channel.
 *
 * @throws {ProtocolError} `bad_encryption`, the same for whatever is wrong with it; after it the channel opens nothing
 * @see PROTOCOL.md [JSON-8.7] to [JSON-8.9]
 */
export async function decryptPacket(packet: Packet, channel: EncryptChannel): Promise<Packet> {
  return decodePacket(await decryptBytes(packet, channel));
}
