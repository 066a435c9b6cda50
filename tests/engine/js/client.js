// The official client with its default options: polling first, then the upgrade.
// Talks to the echo server and prints one line of JSON per finding.
import { io } from "socket.io-client";

const [url, options] = [process.argv[2], JSON.parse(process.argv[3] ?? "{}")];
const say = (finding) => console.log(JSON.stringify(finding));
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...values) => resolve(values)));

const socket = io(url, { auth: { token: "123" }, reconnectionDelay: 50, ...options });
const greeting = once(socket, "auth");
await once(socket, "connect");
say({ connected: socket.id.length > 0, auth: (await greeting)[0] });

if (socket.io.engine.transport.name === "polling" && options.upgrade !== false && !options.transports) {
  await once(socket.io.engine, "upgrade");
}
say({ transport: socket.io.engine.transport.name });

const back = once(socket, "message-back");
socket.emit("message", 1, "zwei", { three: [true, null] });
say({ back: await back });

say({ ack: await socket.emitWithAck("message-with-ack", "ä", [1]) });

const binary = once(socket, "message-back");
socket.emit("message", new Uint8Array([1, 2, 3]), { nested: Buffer.from("four") });
const [first, second] = await binary;
say({ binary: [[...first], second.nested.toString()] });

const numbers = [];
const all = new Promise((resolve) => {
  socket.on("message-back", (number) => numbers.push(number) === 200 && resolve());
});
for (let number = 0; number < 200; number++) socket.emit("message", number);
await all;
say({ ordered: numbers.every((number, index) => number === index) });

const custom = io(url.replace(/\/$/, "") + "/custom", { auth: { token: "456" } });
say({ custom: (await once(custom, "auth"))[0] });
const refused = io(url.replace(/\/$/, "") + "/unknown");
say({ refused: (await once(refused, "connect_error"))[0].message });

const before = socket.id;
const again = once(socket, "connect");
socket.io.engine.close();
await again;
say({ reconnected: socket.id !== before && socket.connected });
say({ ack_after: await socket.emitWithAck("message-with-ack", "again") });

for (let pings = 0; pings < 3; pings++) await once(socket.io, "ping");
say({ alive: socket.connected });
socket.disconnect();
custom.disconnect();
