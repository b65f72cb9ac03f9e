/** Bits of a session's id that tell it from others of its node; those above them tell the node. */
const ID_BITS = 21;
const ID_MASK = 2 ** ID_BITS - 1;

/** Nodes have numbers from 1 to one less than this. */
export const NODE_NUMBERS = 2 ** (31 - ID_BITS);

const LEAST_ID = 65_536;
const MOST_ID = 2 ** 31 - 1;

/** An id for a session of node `node`: 65536 to 2^31-1, as no other node makes one. */
export function idOf(node: number, random: number): number {
  return node * (ID_MASK + 1) + (random & ID_MASK);
}

/** The number of the node that made an id; 0 for what no node made. */
export function nodeOfId(id: number): number {
  return id >= 0 && id < NODE_NUMBERS * (ID_MASK + 1) ? id >>> ID_BITS : 0;
}

/** Ids for sessions, not to be guessed. */
export class RandomIds {
  private readonly numbers = new Uint32Array(64);
  private used = this.numbers.length;

  /** @param node `undefined` where there is no other: then any id from 65536 to 2^31-1 */
  next(node: number | undefined): number {
    if (this.used === this.numbers.length) {
      crypto.getRandomValues(this.numbers);
      this.used = 0;
    }
    const random = this.numbers[this.used++] as number;
    return node === undefined ? LEAST_ID + (random % (MOST_ID - LEAST_ID + 1)) : idOf(node, random);
  }
}
