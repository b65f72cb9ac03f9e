// An MQTT broker as aedes makes it, with nothing changed.
import { createServer } from "node:net";
import { Aedes } from "aedes";

const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen(0, "127.0.0.1", () => console.log(`ready ${(server.address() as { port: number }).port}`));
