"""Zones, line crossings and dwell times of followed objects, as MQTT events.

maskstream makes the masks and keeps the ids; supervision does the analytics; the events are JSON
on TOPIC/zone, TOPIC/line and TOPIC/dwell.

    python zones_to_mqtt.py video.mp4 --box 50,80,80,80 --zone 150,0,320,240 --line 160,0,160,240

Needs: pip install ./clients/python supervision opencv-python paho-mqtt
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import paho.mqtt.client as mqtt
import supervision as sv

import maskstream


class Events:
    """Turns the frames of a stream into events: what changed since the frame before."""

    def __init__(self, zone: tuple[int, ...], line: tuple[int, ...], dwell_s: float) -> None:
        left, top, right, bottom = zone
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        self.zone = sv.PolygonZone(corners, triggering_anchors=[sv.Position.CENTER])
        start, end = sv.Point(*line[:2]), sv.Point(*line[2:])
        self.line = sv.LineZone(start, end, triggering_anchors=[sv.Position.CENTER])
        self.dwell_us = dwell_s * 1e6
        self.entered: dict[int, int] = {}
        self.told: set[int] = set()

    def of(self, frame: maskstream.Frame) -> list[tuple[str, dict[str, object]]]:
        """Topic and content of each event of a frame."""
        seen = frame.to_supervision()
        if len(seen) == 0:
            return []
        events: list[tuple[str, dict[str, object]]] = []
        came_in, went_out = self.line.trigger(seen)
        inside = self.zone.trigger(seen)
        for index, number in enumerate(seen.tracker_id.tolist()):
            about = {"object": number, "timestamp_us": frame.timestamp_us}
            if came_in[index] or went_out[index]:
                events.append(("line", {**about, "direction": "in" if came_in[index] else "out"}))
            if inside[index] and number not in self.entered:
                self.entered[number] = frame.timestamp_us
                events.append(("zone", {**about, "event": "enter"}))
            if not inside[index] and self.entered.pop(number, None) is not None:
                self.told.discard(number)
                events.append(("zone", {**about, "event": "leave"}))
            since = self.entered.get(number)
            if since is None or number in self.told or frame.timestamp_us - since < self.dwell_us:
                continue
            self.told.add(number)
            events.append(("dwell", {**about, "seconds": (frame.timestamp_us - since) / 1e6}))
        return events


def main() -> None:
    """Reads the command line and runs the loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="a file or an RTSP URL")
    numbers = {"type": lambda text: tuple(int(part) for part in text.split(","))}
    parser.add_argument("--box", required=True, action="append", help="x,y,w,h", **numbers)
    parser.add_argument("--zone", required=True, help="left,top,right,bottom", **numbers)
    parser.add_argument("--line", required=True, help="x,y,x,y", **numbers)
    parser.add_argument("--dwell", type=float, default=0.5, help="seconds in the zone")
    parser.add_argument("--broker", default="127.0.0.1:1883")
    parser.add_argument("--topic", default="maskstream")
    parser.add_argument("--server", default="127.0.0.1:50051")
    options = parser.parse_args()

    host, port = options.broker.rsplit(":", 1)
    publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    publisher.connect(host, int(port))
    publisher.loop_start()
    events = Events(options.zone, options.line, options.dwell)
    prompts = [
        maskstream.box(number, x=x, y=y, width=width, height=height)
        for number, (x, y, width, height) in enumerate(options.box, start=1)
    ]
    with maskstream.connect(options.server) as client:
        for frame in client.segment(maskstream.open(options.source), prompts):
            for kind, content in events.of(frame):
                sent = publisher.publish(f"{options.topic}/{kind}", json.dumps(content), qos=1)
                sent.wait_for_publish(10)
    publisher.disconnect()
    publisher.loop_stop()


if __name__ == "__main__":
    main()
