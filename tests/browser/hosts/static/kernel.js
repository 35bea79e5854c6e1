/** A connection to a kernel of the Jupyter server that this page came from, with what widget managers ask of one. */

const listeners = () => {
  const slots = new Set();
  return {
    connect: (slot, self) => slots.add(self ? slot.bind(self) : slot),
    disconnect: () => false,
    emit: (...values) => slots.forEach((slot) => slot(...values)),
  };
};
const SIGNALS =
  "anyMessage connectionStatusChanged disposed iopubMessage pendingInput propertyChanged statusChanged unhandledMessage";

class Comm {
  onMsg = () => {};
  onClose = () => {};

  constructor(kernel, targetName, commId) {
    Object.assign(this, { kernel, targetName, commId });
    kernel.comms.set(commId, this);
  }
  open(data = {}, metadata, buffers) {
    return this.#say("comm_open", { data, target_name: this.targetName }, metadata, buffers);
  }
  send(data = {}, metadata, buffers) {
    return this.#say("comm_msg", { data }, metadata, buffers);
  }
  close(data = {}, metadata, buffers) {
    this.kernel.comms.delete(this.commId);
    return this.#say("comm_close", { data }, metadata, buffers);
  }
  dispose() {}
  #say(type, content, metadata, buffers) {
    return this.kernel.ask(type, { comm_id: this.commId, ...content }, metadata, buffers);
  }
}

export class Kernel {
  comms = new Map();
  name = "python3";
  username = "";
  clientId = crypto.randomUUID();
  isDisposed = false;
  handleComms = true;
  status = "unknown";
  connectionStatus = "connecting";
  #targets = new Map();
  #futures = new Map();
  #handled = Promise.resolve();

  constructor(id) {
    this.id = id;
    for (const name of SIGNALS.split(" ")) this[name] = listeners();
  }

  static async start() {
    const answer = await fetch("/api/kernels", { method: "POST", body: JSON.stringify({ name: "python3" }) });
    const kernel = new Kernel((await answer.json()).id);
    await kernel.#connect();
    return kernel;
  }

  async #connect() {
    const url = `ws://${location.host}/api/kernels/${this.id}/channels?session_id=${this.clientId}`;
    this.socket = Object.assign(new WebSocket(url), { binaryType: "arraybuffer" });
    // One after the other: a model must be there before its messages are.
    this.socket.onmessage = ({ data }) => {
      this.#handled = this.#handled.then(() => this.#handle(unpack(data))).catch((error) => console.error(error));
    };
    await new Promise((opened, failed) => Object.assign(this.socket, { onopen: opened, onerror: failed }));
    this.connectionStatus = "connected";
    await this.ask("kernel_info_request", {}).done;
    this.connectionStatusChanged.emit(this, "connected");
  }

  ask(type, content, metadata = {}, buffers = []) {
    const header = { msg_id: crypto.randomUUID(), msg_type: type, session: this.clientId, username: "", version: "5.3" };
    const msg = { header: { ...header, date: new Date().toISOString() }, parent_header: {}, metadata, content, channel: "shell" };
    const future = { msg, onReply() {}, onIOPub() {}, onStdin() {}, registerMessageHook() {}, removeMessageHook() {}, dispose() {} };
    future.done = new Promise((resolve) => Object.assign(future, { resolve }));
    // Comm messages have no reply.
    future.awaits = new Set(type.startsWith("comm_") && type !== "comm_info_request" ? ["idle"] : ["idle", "reply"]);
    this.#futures.set(header.msg_id, future);
    this.socket.send(pack(msg, buffers));
    return future;
  }

  async #handle(msg) {
    const { content, header } = msg;
    const future = this.#futures.get(msg.parent_header?.msg_id);
    this.anyMessage.emit(this, { msg, direction: "recv" });
    if (msg.channel === "shell") {
      if (future) future.reply = msg;
      await future?.onReply(msg);
      this.#settle(future, "reply");
      return;
    }
    const comm = this.comms.get(content.comm_id);
    if (header.msg_type === "comm_open") {
      await this.#targets.get(content.target_name)?.(new Comm(this, content.target_name, content.comm_id), msg);
    } else if (header.msg_type === "comm_msg") {
      await comm?.onMsg(msg);
    } else if (header.msg_type === "comm_close") {
      await comm?.onClose(msg);
      this.comms.delete(content.comm_id);
    } else if (header.msg_type === "status") {
      this.status = content.execution_state;
      this.statusChanged.emit(this, this.status);
    }
    await future?.onIOPub(msg);
    this.iopubMessage.emit(this, msg);
    if (content.execution_state === "idle") this.#settle(future, "idle");
  }

  #settle(future, what) {
    if (!future?.awaits.delete(what) || future.awaits.size) return;
    this.#futures.delete(future.msg.header.msg_id);
    future.resolve(future.reply);
  }

  /** Runs code; what it printed, its error, and the ids of the widgets that are to be shown. */
  async run(code) {
    const answer = { text: "", error: "", widgets: [] };
    const options = { silent: false, store_history: false, user_expressions: {}, allow_stdin: false, stop_on_error: true };
    const future = this.ask("execute_request", { code, ...options });
    future.onIOPub = ({ content }) => {
      const shown = content.data?.["application/vnd.jupyter.widget-view+json"];
      if (shown) answer.widgets.push(shown.model_id);
      else answer.text += content.text ?? content.data?.["text/plain"] ?? "";
      if (content.traceback) answer.error = content.traceback.join("\n");
    };
    await future.done;
    return answer;
  }

  createComm(target, id = crypto.randomUUID()) {
    return new Comm(this, target, id);
  }
  hasComm(id) {
    return this.comms.has(id);
  }
  registerCommTarget(name, opened) {
    this.#targets.set(name, opened);
  }
  removeCommTarget(name) {
    this.#targets.delete(name);
  }
  requestCommInfo(content) {
    return this.ask("comm_info_request", content).done;
  }
  registerMessageHook() {}
  removeMessageHook() {}
}

/** A binary frame is a count, as many offsets (all big endian), the message as JSON, and its buffers. */
function unpack(data) {
  if (typeof data === "string") return { ...JSON.parse(data), buffers: [] };
  const view = new DataView(data);
  const starts = Array.from({ length: view.getUint32(0) }, (_, i) => view.getUint32(4 + 4 * i));
  const parts = starts.map((start, i) => new DataView(data, start, (starts[i + 1] ?? data.byteLength) - start));
  return { ...JSON.parse(new TextDecoder().decode(parts[0])), buffers: parts.slice(1) };
}

function pack(msg, buffers) {
  if (!buffers?.length) return JSON.stringify(msg);
  const bytes = (b) => (ArrayBuffer.isView(b) ? new Uint8Array(b.buffer, b.byteOffset, b.byteLength) : new Uint8Array(b));
  const parts = [new TextEncoder().encode(JSON.stringify(msg)), ...buffers.map(bytes)];
  const head = new DataView(new ArrayBuffer(4 + 4 * parts.length));
  head.setUint32(0, parts.length);
  parts.reduce((start, part, i) => {
    head.setUint32(4 + 4 * i, start);
    return start + part.length;
  }, head.byteLength);
  return new Blob([head, ...parts]);
}
