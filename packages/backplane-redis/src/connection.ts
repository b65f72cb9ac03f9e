import { Redis, type RedisOptions } from "ioredis";
import type { EngineAddress, Settings } from "./options.ts";
import { type ScriptName, scriptsFor } from "./scripts.ts";

/** Told by a connection. After `lost` it is closed, and everything on its way has been rejected. */
export interface ConnectionHandlers {
  /** `body` is the connection's own memory, lent for the call. */
  message(channel: string, body: Buffer): void;
  lost(error: Error): void;
}

/** One server that holds buckets: what is asked of it, and what it tells. Two sockets, as Redis wants it. */
interface Shard {
  readonly commands: Redis;
  readonly subscriber: Redis;
}

/** Buckets of a cluster: each lies on one server, and so its scripts are atomic. */
export const CLUSTER_BUCKETS = 16;
const CONNECT_MS = 1_500;
/** Of several sentinels the next is asked when one hangs. */
const SENTINEL_MS = CONNECT_MS / 3;

/**
 * A connection to the whole engine, made once and used until it breaks: there is no offline queue, nothing is sent
 * twice and nothing is subscribed to again behind one's back. Whoever uses it makes the next one, and knows then that
 * something may have been missed.
 */
export class Connection {
  readonly buckets: number;
  /** How many calls were answered: more of them is a sign of life. */
  replies = 0;
  private readonly shards: readonly Shard[];
  /** The shard of each bucket. */
  private readonly places: readonly Shard[];
  private readonly tags: readonly string[];
  private readonly hashes = new Map<ScriptName, string>();
  private readonly sharded: boolean;
  private readonly handlers: ConnectionHandlers;
  private state: "open" | "closed" = "open";

  private constructor(
    prefix: string,
    places: readonly Shard[],
    sharded: boolean,
    handlers: ConnectionHandlers,
  ) {
    this.buckets = places.length;
    this.places = places;
    this.shards = [...new Set(places)];
    this.tags = places.map((_, i) => (sharded ? `{${prefix}:${i}}` : `{${prefix}}`));
    this.sharded = sharded;
    this.handlers = handlers;
  }

  /** @throws {Error} where a server cannot be reached or is none that serves */
  static async open(settings: Settings, handlers: ConnectionHandlers): Promise<Connection> {
    const opened: Redis[] = [];
    // A server that takes connections may still be one that answers nothing.
    const timer = setTimeout(() => {
      for (const redis of opened) redis.disconnect();
    }, CONNECT_MS);
    try {
      const connect = async (place: RedisOptions | string): Promise<Redis> => {
        const redis = client(place, settings);
        opened.push(redis);
        await redis.connect();
        return redis;
      };
      const shard = async (place: RedisOptions | string): Promise<Shard> => {
        const [commands, subscriber] = await Promise.all([connect(place), connect(place)]);
        return { commands, subscriber };
      };
      const { cluster, prefix } = settings;
      let places: Shard[];
      if (cluster === undefined) places = [await shard(placeOf(settings))];
      else {
        const masters = await mastersOf(cluster, prefix, connect);
        const shards = new Map<string, Promise<Shard>>();
        for (const { host, port } of masters) {
          const key = `${host} ${port}`;
          if (!shards.has(key)) shards.set(key, shard({ host, port }));
        }
        places = await Promise.all(
          masters.map(({ host, port }) => shards.get(`${host} ${port}`) as Promise<Shard>),
        );
      }
      const connection = new Connection(prefix, places, cluster !== undefined, handlers);
      await connection.load();
      connection.listen();
      for (const redis of opened) if (!connection.uses(redis)) redis.disconnect();
      return connection;
    } catch (error) {
      for (const redis of opened) redis.disconnect();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get isOpen(): boolean {
    return this.state === "open";
  }

  /** The bucket of a room or a user. */
  bucketOf(name: string): number {
    if (this.buckets === 1) return 0;
    let hash = 0;
    for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0;
    return (hash >>> 0) % this.buckets;
  }

  /** Runs a script. Calls to one bucket take effect in their order. */
  run(bucket: number, script: ScriptName, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    const { commands } = this.places[bucket] as Shard;
    const reply = commands.evalsha(
      this.hashes.get(script) as string,
      1,
      this.tags[bucket] as string,
      ...args,
    );
    reply.then(
      () => {
        this.replies++;
      },
      // NOSCRIPT, MOVED, READONLY, LOADING: this server is not the one it was.
      (error: Error) => this.fail(error),
    );
    return reply;
  }

  async subscribe(bucket: number, channel: string): Promise<void> {
    const { subscriber } = this.places[bucket] as Shard;
    const name = this.tags[bucket] + channel;
    const done = this.sharded ? subscriber.ssubscribe(name) : subscriber.subscribe(name);
    done.catch((error: Error) => this.fail(error));
    await done;
  }

  unsubscribe(bucket: number, channel: string): void {
    if (this.state === "closed") return;
    const { subscriber } = this.places[bucket] as Shard;
    const name = this.tags[bucket] + channel;
    const done = this.sharded ? subscriber.sunsubscribe(name) : subscriber.unsubscribe(name);
    done.catch((error: Error) => this.fail(error));
  }

  /** Whether the subscribers' sockets still answer; the commands' own is known by `replies`. */
  async ping(): Promise<void> {
    await Promise.all(this.shards.map(({ subscriber }) => subscriber.ping()));
  }

  /** Gives it up: `lost` is told, unless it is closed already. */
  fail(error: Error): void {
    if (this.state === "closed") return;
    this.close();
    this.handlers.lost(error);
  }

  close(): void {
    this.state = "closed";
    for (const { commands, subscriber } of this.shards) {
      commands.disconnect();
      subscriber.disconnect();
    }
  }

  private uses(redis: Redis): boolean {
    return this.shards.some(({ commands, subscriber }) => commands === redis || subscriber === redis);
  }

  /** Loaded beforehand: a script that had to be sent again would come behind the calls after it. */
  private async load(): Promise<void> {
    const scripts = Object.entries(scriptsFor(this.sharded ? "SPUBLISH" : "PUBLISH")) as [
      ScriptName,
      string,
    ][];
    for (const { commands } of this.shards) {
      const hashes = await Promise.all(scripts.map(([, lua]) => commands.script("LOAD", lua)));
      for (const [i, [name]] of scripts.entries()) this.hashes.set(name, String(hashes[i]));
    }
  }

  private listen(): void {
    const tagEnd = (channel: string): number => channel.indexOf("}") + 1;
    for (const { commands, subscriber } of this.shards) {
      subscriber.on(this.sharded ? "smessageBuffer" : "messageBuffer", (channel: Buffer, body: Buffer) => {
        if (this.state === "closed") return;
        const name = channel.toString();
        this.handlers.message(name.slice(tagEnd(name)), body);
      });
      for (const redis of [commands, subscriber]) {
        redis.on("error", (error: Error) => this.fail(error));
        redis.on("close", () => this.fail(new Error("the engine closed the connection")));
      }
    }
  }
}

function client(place: RedisOptions | string, { connection }: Settings): Redis {
  const { tls } = connection ?? {};
  const options: RedisOptions = {
    ...connection,
    // By itself ioredis would speak to sentinels, and to the master they tell of, in the clear.
    ...(tls !== undefined && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    sentinelCommandTimeout: SENTINEL_MS,
    // Sent twice is told twice; and what waits for a connection has no bound.
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    protocol: 2,
    noDelay: true,
    // Nothing is waited for at the end of a connection that has failed.
    disconnectTimeout: 20,
  };
  const redis = typeof place === "string" ? new Redis(place, options) : new Redis({ ...options, ...place });
  // A connection that fails rejects `connect`; ioredis tells it as an event too, which nobody may leave unheard.
  redis.on("error", () => {});
  return redis;
}

function placeOf({ url, sentinels }: Settings): RedisOptions | string {
  if (url !== undefined) return url;
  const { name, addresses } = sentinels as NonNullable<Settings["sentinels"]>;
  // Another one first each time: one whose machine is gone costs the whole attempt.
  const first = Math.floor(Math.random() * addresses.length);
  return { name, sentinels: [...addresses.slice(first), ...addresses.slice(0, first)] };
}

/** The master of each bucket, as the first server tells it that answers: all are asked at once, since one may hang. */
async function mastersOf(
  addresses: readonly EngineAddress[],
  prefix: string,
  connect: (place: RedisOptions) => Promise<Redis>,
): Promise<EngineAddress[]> {
  const asked = addresses.map(async ({ host, port }) => {
    const redis = await connect({ host, port });
    // One that is cut off from the others goes on telling what was.
    if (!String(await redis.cluster("INFO")).includes("cluster_state:ok")) {
      throw new Error(`the cluster is down, as ${host}:${port} sees it`);
    }
    const slots = (await redis.cluster("SLOTS")) as unknown as [number, number, [string, number]][];
    const masters: EngineAddress[] = [];
    for (let bucket = 0; bucket < CLUSTER_BUCKETS; bucket++) {
      const slot = Number(await redis.cluster("KEYSLOT", `{${prefix}:${bucket}}`));
      const range = slots.find(([first, last]) => first <= slot && slot <= last);
      if (range === undefined) throw new Error(`no server of the cluster serves slot ${slot}`);
      // A server that does not know its own address tells an empty one.
      const [masterHost, masterPort] = range[2];
      masters.push({ host: masterHost || host, port: masterPort });
    }
    return masters;
  });
  return Promise.any(asked).catch((error: AggregateError) => {
    throw error.errors[0];
  });
}
