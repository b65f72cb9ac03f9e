import { RefusedError } from "./errors.ts";
import { nameKey } from "./names.ts";

export type MaybePromise<T> = T | Promise<T>;

export interface Account {
  /** As it was registered. */
  readonly name: string;
  /** As it is compared: see `nameKey`. */
  readonly key: string;
}

/**
 * Where accounts live. Names are checked before they come here; the store compares them by `nameKey`.
 *
 * Every form of it passes `accountStoreCases` of `@wireyard/session/testing`.
 */
export interface AccountStore {
  /**
   * Adds an account; resolves only when it would survive a crash.
   *
   * @throws {RefusedError} `name_taken`; `timeout` where too many passwords wait to be hashed
   */
  register(name: string, password: string): Promise<Account>;
  /**
   * The account if the password is right, else `undefined`. Takes the same time whether or not the user exists.
   *
   * @throws {RefusedError} `timeout` where too many passwords wait to be hashed
   */
  authenticate(name: string, password: string): Promise<Account | undefined>;
  find(name: string): MaybePromise<Account | undefined>;
  /** Accounts in the order of their keys, after the key `after`, `limit` at the most. */
  list(page: { after?: string; limit: number }): MaybePromise<Account[]>;
  /** Whether there was such an account. */
  setPassword(name: string, password: string): Promise<boolean>;
  /** Whether there was such an account. */
  remove(name: string): MaybePromise<boolean>;
  /** Does nothing where the store can answer, throws where it cannot. */
  check(): MaybePromise<void>;
  close(): MaybePromise<void>;
}

const ITERATIONS = 100_000;

/** Accounts in memory, gone with the process: for tests, and for servers that need none to last. */
export function memoryAccounts(options: { iterations?: number } = {}): AccountStore {
  const iterations = options.iterations ?? ITERATIONS;
  const accounts = new Map<string, { account: Account; salt: Uint8Array<ArrayBuffer>; hash: Uint8Array }>();
  const nobody = { salt: crypto.getRandomValues(new Uint8Array(16)), hash: new Uint8Array(32) };

  return {
    async register(name, password) {
      const key = nameKey(name);
      const salt = crypto.getRandomValues(new Uint8Array(16));
      const hash = await derive(password, salt, iterations);
      // Looked up after the hash: two registrations of one name may have waited for theirs together.
      if (accounts.has(key)) throw new RefusedError("name_taken", "the user name is taken");
      const account = Object.freeze({ name, key });
      accounts.set(key, { account, salt, hash });
      return account;
    },
    async authenticate(name, password) {
      const found = accounts.get(nameKey(name));
      const { salt, hash } = found ?? nobody;
      const same = equalBytes(await derive(password, salt, iterations), hash);
      return same ? found?.account : undefined;
    },
    find: (name) => accounts.get(nameKey(name))?.account,
    list({ after = "", limit }) {
      const keys = [...accounts.keys()].filter((key) => key > after).sort();
      return keys.slice(0, limit).map((key) => (accounts.get(key) as { account: Account }).account);
    },
    async setPassword(name, password) {
      const salt = crypto.getRandomValues(new Uint8Array(16));
      const hash = await derive(password, salt, iterations);
      const found = accounts.get(nameKey(name));
      if (found !== undefined) accounts.set(found.account.key, { account: found.account, salt, hash });
      return found !== undefined;
    },
    remove: (name) => accounts.delete(nameKey(name)),
    check() {},
    close() {},
  };
}

async function derive(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array> {
  const material = await crypto.subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, [
    "deriveBits",
  ]);
  const bits = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations },
    material,
    256,
  );
  return new Uint8Array(bits);
}

/** Whether two byte strings are the same, in a time that depends on the length of `b` alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  let differ = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) differ |= (a[i] ?? 0) ^ (b[i] as number);
  return differ === 0;
}
