// Asks the bot, as a user made for it, and prints what it answers.
//
//   node ask.js COMMAND [ARGUMENT]…       where: WIREYARD_URL, who is asked: BOT

import { connectCommaCommand } from "@wireyard/comma-command/client";

const { WIREYARD_URL: url = "tcp://127.0.0.1:3291", BOT: bot = "bot" } = process.env;
const [command = "help", ...args] = process.argv.slice(2);

const client = await connectCommaCommand({ url });
const [user, password] = [`guest-${Date.now().toString(36)}`, crypto.randomUUID()];
await client.register(user, password);
await client.login(user, password);
// One that is not there gets nothing, and says nothing.
const late = setTimeout(() => {
  console.error(`${bot} does not answer`);
  process.exitCode = 1;
  client.close();
}, 3_000);
await client.send(bot, command, ...args);
for await (const event of client) {
  if (event.type !== "send" || event.from !== bot) continue;
  const [, , ...answer] = event.fields;
  console.log(answer.join(" "));
  break;
}
clearTimeout(late);
client.close();
