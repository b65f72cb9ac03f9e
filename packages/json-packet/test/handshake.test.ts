import type { AccountStore } from "@wireyard/session";
import { describe, expect, test } from "vitest";
import { credentials, greeting, type Heard, heard, settle, shaken, withAnn, yard } from "./people.ts";

describe("the handshake", () => {
  test("[JSON-3.1] [JSON-3.2] [JSON-4.1] is answered once, with the client's token and the server's", async () => {
    const { connect, server } = yard();
    const person = connect();
    person.say('{"action":"handShake","data":{"anything":1},"packet-created":1.0,"token":null}');
    await person.until(1);
    const [line] = person.lines;
    const [answer] = person.packets() as [Heard];
    expect(answer).toEqual({
      action: "handShake",
      data: greeting,
      "packet-created": expect.any(Number),
      token: (answer.data as { remoteToken: string }).remoteToken,
    });
    // [JSON-2.6] The names in their order, the time a float.
    expect(line).toMatch(
      /^\{"action":"handShake","data":\{"status":.*\},"packet-created":\d+\.\d{3},"token":"[^"]+"\}$/,
    );
    expect([...server.clients.keys()]).toEqual([(answer.data as { uuid: string }).uuid]);
    person.say('{"action":"handShake"}');
    expect(await heard(person)).toEqual([]);
  });

  test("[JSON-2.3] needs no more than its action", async () => {
    const { connect } = yard();
    const person = connect();
    person.say('{"action":"handShake"}');
    expect(await heard(person)).toEqual([shaken]);
  });

  test("[JSON-3.3] comes unasked after 500 ms of silence, and only then", async () => {
    const { connect, pass } = yard();
    const person = connect();
    pass(499);
    expect(await heard(person)).toEqual([]);
    pass(51);
    await settle();
    const [answer] = person.packets() as [Heard];
    expect(answer.data).toEqual(greeting);
    person.token = (answer.data as { uuid: string }).uuid;
    person.say('{"action":"handShake"}');
    person.send("PING", "1");
    expect(await heard(person)).toEqual([["PONG", 1]]);
  });

  test.each(["{", " ", '{"action":"PING","data":1,"packet-created":1,"token":null}'])(
    "[JSON-3.3] does not come unasked to one that said %s",
    async (text) => {
      const { connect, pass } = yard();
      const person = connect();
      person.say(text);
      await settle();
      pass(2_000);
      await settle();
      expect(person.packets().filter(({ action }) => action === "handShake")).toEqual([]);
    },
  );

  test("[JSON-3.4] logs in, and tells an error from a wrong password, after which one may try again", async () => {
    const { connect, hub, pass } = yard({}, await withAnn());
    const person = connect();
    person.say(credentials("ann", "wrong"));
    await person.until(1);
    expect(person.take()).toEqual([["error", "wrong_user_or_password"]]);
    person.say(credentials("nobody", "secret"));
    await person.until(1);
    expect(person.take()).toEqual([["error", "wrong_user_or_password"]]);
    pass(2_000);
    person.send("PING");
    await person.until(1);
    expect(person.take()).toEqual([["error", "not_registered"]]);
    person.say(credentials("ann", "secret"));
    await person.until(1);
    expect(person.take()).toEqual([shaken]);
    expect(hub.sessionsOf("ann").size).toBe(1);
  });

  test("[JSON-3.4] an unknown user and a wrong password are told the same bytes", async () => {
    const { connect } = yard({}, await withAnn());
    const person = connect();
    person.say(credentials("ann", "wrong") + credentials("nobody", "secret"));
    await person.until(2);
    const [one, two] = person.packets();
    expect(one?.data).toEqual(two?.data);
  });

  test("[JSON-3.4] is limited in its tries", async () => {
    const { connect } = yard({}, { ...(await withAnn()), limits: { loginFailuresPerMinute: 2 } });
    const person = connect();
    for (let i = 0; i < 3; i++) person.say(credentials("ann", "wrong"));
    person.say(credentials("ann", "secret"));
    await person.until(4);
    expect(person.take()).toEqual([
      ["error", "wrong_user_or_password"],
      ["error", "wrong_user_or_password"],
      ["error", "rate_limited"],
      ["error", "rate_limited"],
    ]);
  });

  test.each(['{"username":"ann"}', '{"username":"ann","password":1}', '"ann"', "[]", "null"])(
    "[JSON-3.1] with the data %s does not log in",
    async (data) => {
      const { connect, hub } = yard({}, await withAnn());
      const person = connect();
      person.say(`{"action":"handShake","data":${data}}`);
      expect(await heard(person)).toEqual([shaken]);
      expect(hub.sessionsOf("ann").size).toBe(0);
    },
  );

  test("[JSON-3.5] of one who is registered checks credentials and is silent about right ones", async () => {
    const { person, hub } = yard({}, await withAnn());
    const bob = await person();
    bob.say(credentials("ann", "wrong"));
    bob.send("PING", "1");
    await bob.until(2);
    expect(bob.take()).toEqual([
      ["error", "wrong_user_or_password"],
      ["PONG", 1],
    ]);
    bob.say(credentials("ann", "secret"));
    bob.send("PING", "2");
    await bob.until(1);
    expect(bob.take()).toEqual([["PONG", 2]]);
    expect(hub.sessionsOf("ann").size).toBe(1);
  });

  test("[JSON-6.4] with a store that does not answer times out, and may be tried again", async () => {
    const { accounts } = await withAnn();
    let slow = true;
    const stuck: AccountStore = {
      ...accounts,
      authenticate: (name, password) =>
        slow ? new Promise(() => {}) : accounts.authenticate(name, password),
    };
    const { connect, pass } = yard({}, { accounts: stuck });
    const person = connect();
    person.say(credentials("ann", "secret"));
    await settle();
    pass(5_050);
    await person.until(1);
    expect(person.take()).toEqual([["error", "timeout"]]);
    slow = false;
    person.say(credentials("ann", "secret"));
    await person.until(1);
    expect(person.take()).toEqual([shaken]);
  });

  test("[JSON-3.6] comes before all else", async () => {
    const { connect, server } = yard({ actions: { echo: (data) => data } });
    const person = connect();
    for (const action of ["PING", "isAlive", "disconnect", "echo", "unknown"]) person.send(action);
    expect(await heard(person)).toEqual(Array.from({ length: 5 }, () => ["error", "not_registered"]));
    expect([server.clients.size, person.closed]).toEqual([0, false]);
  });

  test("[JSON-2.8] gives every client a token of its own", async () => {
    const { person, server } = yard();
    const people = [await person(), await person(), await person()];
    expect(new Set(people.map(({ token }) => token)).size).toBe(3);
    expect([...server.clients.keys()]).toEqual(people.map(({ token }) => token));
    for (const [token, connection] of server.clients) expect(connection.token).toBe(token);
    people[1]?.link.end();
    await settle();
    expect([...server.clients.keys()]).toEqual([people[0]?.token, people[2]?.token]);
  });
});
