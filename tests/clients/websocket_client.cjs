// A WebSocket client: node websocket_client.cjs URL [TOKEN]. Sends text, octets and a long message; prints what comes back.
const WebSocket = require("ws");

const [url, token] = process.argv.slice(2);
const headers = token ? { Authorization: `WRAP access_token="${token}"` } : {};
const socket = new WebSocket(url, { headers });
const long = "x".repeat(200_000);

socket.on("unexpected-response", (_, answer) => {
  console.log(`refused ${answer.statusCode} ${answer.headers["www-authenticate"]}`);
  process.exit(0);
});
socket.on("open", () => {
  socket.send("one");
  socket.send(Buffer.from([0, 1, 254, 255]));
  socket.send(long);
});
socket.on("message", (data, isBinary) => {
  if (isBinary) console.log(`octets ${data.toString("hex")}`);
  else if (data.length === long.length) {
    console.log(`long ${data.toString() === long}`);
    socket.close(1000);
  } else console.log(`text ${data}`);
});
socket.on("close", (code) => console.log(`closed ${code}`));
socket.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
