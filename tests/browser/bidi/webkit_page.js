// What webkit_bridge.py has in a page: handles of objects, and promises that are waited for.
const bidi = window.__bidi;
const done = (outcome) => finish({ ...outcome, complaints: bidi.complaints.splice(0) });
const describe = (value, depth) => {
    if (value === undefined) return { type: "undefined" };
    if (value === null) return { type: "null" };
    const type = typeof value;
    if (type === "string" || type === "boolean") return { type, value };
    if (type === "number") return { type, value: Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? "-0" : String(value) };
    if (type === "bigint") return { type, value: String(value) };
    if (depth > 0 && !(value instanceof Node) && type === "object") {
        if (Array.isArray(value)) return { type: "array", value: value.map((item) => describe(item, depth - 1)) };
        return { type: "object", value: Object.entries(value).map(([key, item]) => [key, describe(item, depth - 1)]) };
    }
    const handle = `${bidi.token}/${bidi.handles.size}`;
    bidi.handles.set(handle, value);
    if (value instanceof Node) return { type: "node", handle, sharedId: handle, value: { nodeType: value.nodeType, childNodeCount: value.childNodes.length } };
    if (value instanceof Window) return { type: "window", handle, value: { context: value === window ? bidi.context : null } };
    return { type: Array.isArray(value) ? "array" : type, handle };
};
const thrown = (error) => ({ exception: error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error) });
// Answers with the number of a promise that takes longer: whoever waits lets others ask in between.
const answer = (promise, depth, done) => {
    const late = window.setTimeout(() => {
        const ticket = bidi.count++;
        bidi.promises.set(ticket, promise);
        done({ ticket });
    }, 50);
    const told = (outcome) => { window.clearTimeout(late); done(outcome); };
    promise.then((value) => told({ value: describe(value, depth) }), (error) => told(thrown(error)));
};
const withEval = (known, act) => {
    const { eval: forbidden } = globalThis;
    globalThis.eval = (source) => {
        if (known.has(source)) return known.get(source)();
        throw new EvalError(`unread ${source} (end)`);
    };
    try { return act(); } finally { globalThis.eval = forbidden; }
};
