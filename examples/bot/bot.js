// A bot: a user of a comma command server that answers what other users send it.
//
//   node bot.js PASSWORD [USER] [URL]

import { CommaRefusal, connectCommaCommand } from "@wireyard/comma-command/client";

const [password, user = "bot", url = "tcp://127.0.0.1:3291"] = process.argv.slice(2);
if (password === undefined) {
  console.error(
    "usage: node bot.js PASSWORD [USER] [URL]      the first start makes the user, with that password",
  );
  process.exit(2);
}

/** What the bot does, by the command that it is sent: gives the fields of its answer. */
const COMMANDS = {
  help: () => Object.keys(COMMANDS),
  time: () => [new Date().toISOString()],
  dice: (sides = "6") => {
    if (!/^[1-9]\d{0,5}$/.test(sides)) return ["dice needs a number of sides, 1 to 999999"];
    return [String(1 + Math.floor(Math.random() * Number(sides)))];
  },
};

/** A bot's first start makes its account. */
async function logIn(client) {
  try {
    await client.register(user, password);
  } catch (error) {
    if (!(error instanceof CommaRefusal && error.code === "invalid_name")) throw error;
  }
  await client.login(user, password);
}

async function answer(client, { from, fields: [command, ...args] }) {
  // A command is a name that we know, not whatever an object inherits.
  if (!Object.hasOwn(COMMANDS, command)) return;
  try {
    await client.send(from, "answer", command, ...COMMANDS[command](...args));
    console.log(`${from} asked for ${command}`);
  } catch (error) {
    // The connection may have gone in between: whoever still wants to know asks again.
    console.error(`${from} got no answer: ${error.message}`);
  }
}

const client = await connectCommaCommand({ url, reconnect: true });
process.once("SIGINT", () => client.close());
process.once("SIGTERM", () => client.close());
await logIn(client);
console.log(`${user} is here: ${Object.keys(COMMANDS).join(", ")}`);
for await (const event of client) {
  if (event.type === "send") await answer(client, event);
  else if (event.type === "lost") console.log(`offline: ${event.reason}`);
  else if (event.type === "back") console.log("online again");
}
