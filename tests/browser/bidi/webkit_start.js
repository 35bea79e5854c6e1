// What webkit_bridge.py leaves in a new document; null where it has been before.
const [token, context] = arguments;
if (window.__bidi) return null;
const complaints = [];
const complain = (...parts) => complaints.push(parts.map((part) => part?.stack ? `${part}\n${part.stack}` : String(part)).join(" "));
window.__bidi = { token, context, complaints, handles: new Map(), promises: new Map(), count: 0 };
window.addEventListener("error", ({ error, message }) => complain(error ?? message));
window.addEventListener("unhandledrejection", ({ reason }) => complain(reason));
const { error } = console;
console.error = (...parts) => { complain(...parts); error.apply(console, parts); };
return location.href;
