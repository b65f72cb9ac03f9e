import type { Account, AccountStore } from "./accounts.ts";
import { addressKey } from "./addresses.ts";
import type { Counters } from "./counters.ts";
import { RefusedError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { LoginFailures } from "./login-failures.ts";
import { accountNameProblem } from "./names.ts";
import { WindowCounter } from "./rate.ts";

const MINUTE_MS = 60_000;

/** Asks the account store who somebody is, within what an address may ask. */
export class Credentials {
  private readonly accounts: AccountStore;
  private readonly limits: Readonly<Limits>;
  private readonly clock: () => number;
  private readonly counters: Counters;
  private readonly registrationRate = new WindowCounter({ windowMs: MINUTE_MS });
  private readonly failures = new LoginFailures();

  constructor(options: {
    accounts: AccountStore;
    limits: Readonly<Limits>;
    clock: () => number;
    counters: Counters;
  }) {
    this.accounts = options.accounts;
    this.limits = options.limits;
    this.clock = options.clock;
    this.counters = options.counters;
  }

  /** @throws {RefusedError} `wrong_user_or_password`, `rate_limited`, `timeout` */
  async authenticate(remoteAddress: string, name: string, password: string): Promise<Account> {
    const address = addressKey(remoteAddress);
    const started = this.clock();
    // Counted before the wait: a hundred at once are a hundred.
    if (!this.failures.take(address, name, this.limits, started)) {
      throw new RefusedError("rate_limited", "too many failed logins; try again in a minute");
    }
    let account: Account | undefined;
    try {
      account = await this.accounts.authenticate(name, password);
    } catch (error) {
      // No password was looked at: whoever has to wait for a busy server has not guessed.
      this.failures.giveBack(address, name);
      throw error;
    }
    if (account === undefined) {
      this.counters.loginFailures++;
      throw new RefusedError("wrong_user_or_password", "the user does not exist or the password is wrong");
    }
    this.failures.giveBack(address, name);
    // Whoever asked has been told `timeout` by then: a session must not become somebody behind its back.
    if (this.clock() - started >= this.limits.requestTimeoutMs) {
      throw new RefusedError("timeout", "the login took too long");
    }
    return account;
  }

  /** @throws {RefusedError} `name_too_short`, `invalid_name`, `name_taken`, `rate_limited`, `timeout` */
  async register(remoteAddress: string, name: string, password: string): Promise<Account> {
    const problem = accountNameProblem(name);
    if (problem !== undefined) throw new RefusedError(problem.code, problem.text);
    const { registrationsPerMinute } = this.limits;
    if (!this.registrationRate.take(addressKey(remoteAddress), registrationsPerMinute, this.clock())) {
      throw new RefusedError("rate_limited", "too many registrations; try again in a minute");
    }
    const account = await this.accounts.register(name, password);
    this.counters.registrations++;
    return account;
  }
}
