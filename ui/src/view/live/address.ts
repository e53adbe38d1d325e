/** The server that shows a live cluster: its address is remembered, its token only until the tab is closed. */
const addressKey = "raftplay.live.address";
const tokenKey = "raftplay.live.token";

/** This page's own server. */
export function addressHere(): string {
  return location.origin.startsWith("http") ? location.host : "";
}

export function addressKnown(): string {
  return read(() => localStorage, addressKey) || addressHere();
}

export function tokenKnown(address: string): string {
  return read(() => sessionStorage, `${tokenKey}.${address}`);
}

export function remember(address: string, token: string): void {
  write(() => localStorage, addressKey, address === addressHere() ? "" : address);
  write(() => sessionStorage, `${tokenKey}.${address}`, token);
}

/** The websocket's URL; an empty text when the address is none. */
export function urlOf(address: string): string {
  const text = address.trim();
  const given = /^(ws|http)s?:\/\//i.test(text);
  const own = text === addressHere();
  const secure = own ? location.protocol === "https:" : !/^(localhost|127\.|\[::1\])/i.test(text) && location.protocol === "https:";
  try {
    const url = new URL(given ? text : `${secure ? "wss" : "ws"}://${text}`);
    url.protocol = /^(wss|https):/i.test(url.protocol) ? "wss:" : "ws:";
    // Nothing secret travels in an address.
    url.username = url.password = url.search = url.hash = "";
    const folder = own ? new URL("./", document.baseURI).pathname : url.pathname.replace(/\/?$/, "/");
    url.pathname = `${folder}api/live`;
    return url.href;
  } catch {
    return "";
  }
}

function read(storage: () => Storage, key: string): string {
  try {
    return storage().getItem(key) ?? "";
  } catch {
    return "";
  }
}

function write(storage: () => Storage, key: string, value: string): void {
  try {
    if (value) storage().setItem(key, value);
    else storage().removeItem(key);
  } catch {
    // What cannot be kept is asked for again.
  }
}
