import type { Account, AccountStore } from "../accounts.ts";
import { RefusedError } from "../errors.ts";
import { type Case, same } from "./case.ts";

/**
 * What every account store must do.
 *
 * @param open makes an empty store; each case opens its own and closes it
 */
export function accountStoreCases(open: () => Promise<AccountStore>): Case[] {
  return CASES.map(([name, rule]) => ({
    name,
    async run() {
      const store = await open();
      try {
        await rule(store);
      } finally {
        await store.close();
      }
    },
  }));
}

const CASES: readonly (readonly [name: string, rule: (store: AccountStore) => Promise<void>])[] = [
  [
    "a registered account is found, and authenticated by its password",
    async (store) => {
      same(shown(await store.register("ann", "secret")), "ann (ann)", "what register gives");
      same(shown(await store.find("ann")), "ann (ann)", "what find gives");
      same(shown(await store.authenticate("ann", "secret")), "ann (ann)", "what authenticate gives");
    },
  ],
  [
    "names are compared in NFKC and lower case, and shown as they were registered",
    async (store) => {
      const ann = "Änn-ﬁ (änn-fi)";
      same(shown(await store.register("Änn-ﬁ", "secret")), ann, "what register gives");
      for (const spelling of ["Änn-ﬁ", "änn-fi", "A\u0308NN-FI", "Ä\uFF2E\uFF4E-fi"]) {
        same(shown(await store.find(spelling)), ann, `find("${spelling}")`);
        same(shown(await store.authenticate(spelling, "secret")), ann, `authenticate("${spelling}")`);
      }
    },
  ],
  [
    "a name that is taken is refused in every spelling, and its password stays",
    async (store) => {
      await store.register("Ann", "first");
      for (const spelling of ["Ann", "ANN", "\uFF21nn"]) {
        const [outcome] = await Promise.allSettled([store.register(spelling, "second")]);
        same(refusal(outcome), "name_taken", `register("${spelling}")`);
      }
      same(await store.authenticate("ann", "second"), undefined, "the refused password");
      same(shown(await store.authenticate("ann", "first")), "Ann (ann)", "the first password");
    },
  ],
  [
    "of two registrations of one name at the same time exactly one wins",
    async (store) => {
      const passwords = ["first", "second"];
      const outcomes = await Promise.allSettled([
        store.register("Ann", "first"),
        store.register("ann", "second"),
      ]);
      const won = outcomes.findIndex((outcome) => outcome.status === "fulfilled");
      same(won >= 0, true, "whether one won");
      same(refusal(outcomes[1 - won]), "name_taken", "the other one");
      const winner = won === 0 ? "Ann (ann)" : "ann (ann)";
      same(shown(await store.find("ann")), winner, "what find gives");
      same(shown(await store.authenticate("ann", passwords[won] ?? "")), winner, "the winner's password");
      same(await store.authenticate("ann", passwords[1 - won] ?? ""), undefined, "the other password");
    },
  ],
  [
    "a wrong password and an unknown user give undefined",
    async (store) => {
      await store.register("ann", "secret");
      for (const wrong of ["Secret", "secret ", "secre", ""]) {
        same(await store.authenticate("ann", wrong), undefined, `the password "${wrong}"`);
      }
      same(await store.authenticate("bob", "secret"), undefined, "an unknown user's login");
      same(await store.find("bob"), undefined, "an unknown user");
    },
  ],
  [
    "a password counts to its last character, whatever it is made of",
    async (store) => {
      const passwords = [`${"long".repeat(50)}1`, "with\0nul", "pässwörd ☂", " "];
      for (const [i, password] of passwords.entries()) {
        await store.register(`user${i}`, password);
        const account = await store.authenticate(`user${i}`, password);
        same(account?.name, `user${i}`, `the password ${JSON.stringify(password)}`);
        const other = `${password.slice(0, -1)}2`;
        same(await store.authenticate(`user${i}`, other), undefined, `the password ${JSON.stringify(other)}`);
      }
    },
  ],
  [
    "a name is data, whatever it looks like",
    async (store) => {
      for (const name of ["__proto__", "constructor", "' or ''='", "%"]) {
        same(await store.find(name), undefined, `find("${name}") before it is registered`);
        await store.register(name, "secret");
        same(shown(await store.find(name)), `${name} (${name})`, `find("${name}")`);
      }
    },
  ],
  [
    "accounts are listed in the order of their keys, page by page",
    async (store) => {
      // A language's collation would order `-`, `_` and digits otherwise, and so lose or repeat accounts.
      const names = ["zoe", "a_b", "Bob", "ab", "a1", "a-b"];
      for (const name of names) await store.register(name, "secret");
      const ordered = ["a-b", "a1", "a_b", "ab", "Bob", "zoe"];

      const listed: string[] = [];
      let page = await store.list({ limit: 4 });
      while (page.length > 0) {
        listed.push(...page.map((account) => account.name));
        page = await store.list({ after: page.at(-1)?.key ?? "", limit: 4 });
      }
      same(listed, ordered, "all pages");
      same((await store.list({ limit: 2 })).length, 2, "the length of a page of two");
      same((await store.list({ after: "b", limit: 1 })).map(shown), ["Bob (bob)"], "the page after b");
      same(await store.list({ after: "zoe", limit: 1 }), [], "the page after the last");
    },
  ],
  [
    "a new password takes the place of the old one",
    async (store) => {
      await store.register("Ann", "old");
      await store.register("bob", "old");
      same(await store.setPassword("ann", "new"), true, "what setPassword gives");
      same(await store.authenticate("Ann", "old"), undefined, "the old password");
      same(shown(await store.authenticate("Ann", "new")), "Ann (ann)", "the new password");
      same((await store.authenticate("bob", "old"))?.name, "bob", "somebody else's password");
      same(await store.setPassword("eve", "new"), false, "setPassword of an unknown user");
      same(await store.find("eve"), undefined, "the unknown user afterwards");
    },
  ],
  [
    "a removed account is gone, and its name is free",
    async (store) => {
      await store.register("Ann", "first");
      await store.register("bob", "first");
      same(await store.remove("ANN"), true, "what remove gives");
      same(await store.remove("ann"), false, "what a second remove gives");
      same(await store.find("ann"), undefined, "what find gives");
      same(await store.authenticate("ann", "first"), undefined, "its login");
      same((await store.list({ limit: 10 })).length, 1, "accounts that are left");
      same(shown(await store.register("ann", "second")), "ann (ann)", "a new registration");
      same(await store.authenticate("ann", "first"), undefined, "the old password");
    },
  ],
  [
    "check does nothing while the store can answer",
    async (store) => {
      same(await store.check(), undefined, "what check gives");
    },
  ],
];

/** `Ann (ann)`: the name and the key of an account, whatever else a store gives with it. */
function shown(account: Account | undefined): string | undefined {
  return account && `${account.name} (${account.key})`;
}

function refusal(outcome: PromiseSettledResult<unknown> | undefined): string | undefined {
  if (outcome?.status !== "rejected") return outcome?.status;
  return outcome.reason instanceof RefusedError ? outcome.reason.code : String(outcome.reason);
}
