import type { Http2Session } from 'node:http2';

/** What one stream may have on its way here: 20 Mbit/s over a round trip of 200 ms. */
const streamWindowBytes = 512 * 1024;

/** What all streams of a connection may: eight cameras of a site. */
const connectionWindowBytes = 8 * streamWindowBytes;

/**
 * Lets a peer have more on its way here than the 64 KiB that HTTP/2 begins with (RFC 9113, 6.9.2), which
 * all streams of a connection share: that is one window a round trip, 5 Mbit/s over 100 ms, and a round
 * trip ends only when the server gets to read. Beyond it a live camera's video waits at its sender, where
 * nobody sees it grow old. For connections that do work: it is what an unread one may make the server hold.
 */
export function widenReceiveWindows(session: Http2Session): void {
  if (session.destroyed) return;
  session.setLocalWindowSize(connectionWindowBytes);
  session.settings({ initialWindowSize: streamWindowBytes });
}
