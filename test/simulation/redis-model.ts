/** What a command answers, as scripts see it. */
export type Answer = number | string | null | Answer[];

type Value = string | Map<string, string> | Set<string> | Map<string, number>;
interface Entry {
  value: Value;
  expiresAt: number;
}

/** What the model does that no script asked for. */
export interface RedisModelHandlers {
  publish(channel: string, body: string): number;
  /** A key's time has run out: told when somebody next looks for it. */
  expired(key: string): void;
}

/**
 * The commands of Redis that the back plane's scripts call, on maps and sets. Strings hold bytes, one a character.
 * Orders are those of Redis's small sets and hashes; sets hold numbers.
 */
export class RedisModel {
  private readonly entries = new Map<string, Entry>();
  private readonly clock: () => number;
  private readonly handlers: RedisModelHandlers;

  constructor(clock: () => number, handlers: RedisModelHandlers) {
    this.clock = clock;
    this.handlers = handlers;
  }

  call(command: string, ...args: string[]): Answer {
    const [key = "", a = "", b = "", c = ""] = args;
    switch (command.toUpperCase()) {
      case "GET":
        return this.find<string>(key) ?? null;
      case "SET": {
        const expiresAt = b.toUpperCase() === "PX" ? this.clock() + Number(c) : Infinity;
        this.entries.set(key, { value: a, expiresAt });
        return "OK";
      }
      case "INCR": {
        const next = Number(this.find<string>(key) ?? 0) + 1;
        this.entries.set(key, { value: String(next), expiresAt: Infinity });
        return next;
      }
      case "DEL":
        return args.filter((name) => this.entries.delete(name)).length;
      case "EXISTS":
        return this.find(key) === undefined ? 0 : 1;
      case "TIME":
        return [String(Math.floor(this.clock() / 1_000)), "0"];
      case "PUBLISH":
      case "SPUBLISH":
        return this.handlers.publish(key, a);
      default:
        return this.callKind(command.toUpperCase(), key, args.slice(1));
    }
  }

  private callKind(command: string, key: string, args: string[]): Answer {
    if (command.startsWith("H")) return this.callHash(command, key, args);
    if (command.startsWith("S")) return this.callSet(command, key, args);
    return this.callSorted(command, key, args);
  }

  private callHash(command: string, key: string, args: string[]): Answer {
    const hash = this.find<Map<string, string>>(key) ?? new Map<string, string>();
    const [field = "", value = ""] = args;
    switch (command) {
      case "HGET":
        return hash.get(field) ?? null;
      case "HSET": {
        const before = hash.size;
        for (let i = 0; i < args.length; i += 2) hash.set(args[i] as string, args[i + 1] as string);
        this.keep(key, hash);
        return hash.size - before;
      }
      case "HDEL": {
        const gone = args.filter((name) => hash.delete(name)).length;
        this.keep(key, hash);
        return gone;
      }
      case "HINCRBY": {
        const next = Number(hash.get(field) ?? 0) + Number(value);
        this.keep(key, hash.set(field, String(next)));
        return next;
      }
      case "HGETALL":
        return [...hash].flat();
      case "HLEN":
        return hash.size;
      case "HKEYS":
        return [...hash.keys()];
      default:
        return unknown(command);
    }
  }

  private callSet(command: string, key: string, args: string[]): Answer {
    const set = this.find<Set<string>>(key) ?? new Set<string>();
    switch (command) {
      case "SADD": {
        const before = set.size;
        for (const member of args) set.add(member);
        this.keep(key, set);
        return set.size - before;
      }
      case "SREM": {
        const gone = args.filter((member) => set.delete(member)).length;
        this.keep(key, set);
        return gone;
      }
      case "SCARD":
        return set.size;
      case "SMEMBERS":
        return inOrder(set);
      case "SRANDMEMBER":
        return inOrder(set).slice(0, Number(args[0]));
      default:
        return unknown(command);
    }
  }

  private callSorted(command: string, key: string, args: string[]): Answer {
    const sorted = this.find<Map<string, number>>(key) ?? new Map<string, number>();
    switch (command) {
      case "ZADD": {
        const isNew = !sorted.has(args[1] as string);
        this.keep(key, sorted.set(args[1] as string, Number(args[0])));
        return isNew ? 1 : 0;
      }
      case "ZREM": {
        const gone = args.filter((member) => sorted.delete(member)).length;
        this.keep(key, sorted);
        return gone;
      }
      case "ZCARD":
        return sorted.size;
      case "ZRANGE": {
        if (args[0] !== "0" || args[1] !== "-1") return unknown(`${command} of a part`);
        const all = [...sorted].sort(([m, x], [n, y]) => x - y || (m < n ? -1 : 1));
        return all.flatMap(([member, score]) => (args.length > 2 ? [member, String(score)] : [member]));
      }
      default:
        return unknown(command);
    }
  }

  private find<Kind extends Value>(key: string): Kind | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined && entry.expiresAt <= this.clock()) {
      this.entries.delete(key);
      this.handlers.expired(key);
    }
    return this.entries.get(key)?.value as Kind | undefined;
  }

  /** What is empty is not there. */
  private keep(key: string, value: Exclude<Value, string>): void {
    if (value.size === 0) this.entries.delete(key);
    else if (!this.entries.has(key)) this.entries.set(key, { value, expiresAt: Infinity });
  }
}

function inOrder(set: ReadonlySet<string>): string[] {
  return [...set].sort((a, b) => Number(a) - Number(b));
}

function unknown(command: string): never {
  throw new Error(`the model of Redis does not know ${command}: teach it in redis-model.ts`);
}
