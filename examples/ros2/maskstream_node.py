"""A ROS 2 node: an image topic in, a mask topic out.

NOT RUN HERE: there was no ROS 2 on the machine on which it was written. It follows rclpy's
documented interface (Humble and later) and uses the client as the examples beside it do, which are
run by the tests.

    ros2 run … maskstream_node --ros-args -p server:=127.0.0.1:50051 -p box:="[100, 80, 200, 150]"

Subscribes `image` (sensor_msgs/Image: bgr8 or rgb8), publishes `masks` (sensor_msgs/Image, mono8: a
pixel's value is its object's id, with the header of the picture that it belongs to).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

import maskstream


class MaskstreamNode(Node):
    """Feeds pictures into one stream, and publishes what comes back."""

    def __init__(self) -> None:
        super().__init__("maskstream")
        self.declare_parameter("server", "127.0.0.1:50051")
        self.declare_parameter("box", [0, 0, 100, 100])
        # Only the newest picture counts: an old one would only make the next one late.
        self.waiting: queue.Queue[Image | None] = queue.Queue(maxsize=1)
        self.headers: dict[int, Any] = {}
        self.masks = self.create_publisher(Image, "masks", qos_profile_sensor_data)
        self.create_subscription(Image, "image", self.take, qos_profile_sensor_data)
        threading.Thread(target=self.run, daemon=True).start()

    def take(self, message: Image) -> None:
        """Keeps the newest picture."""
        with suppress(queue.Empty):
            self.waiting.get_nowait()
        self.waiting.put(message)

    def pictures(self) -> Iterator[np.ndarray]:
        """Pictures as they come, numbered as the server will number them."""
        number = 0
        while (message := self.waiting.get()) is not None:
            rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
            picture = rows[:, : message.width * 3].reshape(message.height, message.width, 3)
            self.headers[number] = message.header
            number += 1
            yield picture[:, :, ::-1] if message.encoding == "rgb8" else picture

    def run(self) -> None:
        """One stream for as long as the node lives."""
        x, y, width, height = self.get_parameter("box").value
        box = maskstream.box(1, x=x, y=y, width=width, height=height)
        source = maskstream.open(self.pictures(), live=True, images=False)
        with maskstream.connect(self.get_parameter("server").value) as client:
            for frame in client.segment(source, [box]):
                self.publish(frame)

    def publish(self, frame: maskstream.Frame) -> None:
        """The ids of all objects in one picture."""
        header = self.headers.pop(frame.index, None)
        for index in [index for index in self.headers if index < frame.index]:
            del self.headers[index]
        masks = [(obj.id, obj.mask) for obj in frame.objects if obj.mask is not None]
        if header is None or not masks:
            return
        ids = np.zeros(masks[0][1].shape, np.uint8)
        for number, mask in masks:
            ids[mask] = number
        message = Image(header=header, height=ids.shape[0], width=ids.shape[1])
        message.encoding, message.step, message.data = "mono8", ids.shape[1], ids.tobytes()
        self.masks.publish(message)


def main() -> None:
    """Spins until the node is ended."""
    rclpy.init()
    node = MaskstreamNode()
    try:
        rclpy.spin(node)
    finally:
        node.waiting.put(None)
        node.destroy_node()
        rclpy.shutdown()


if __name__ == "__main__":
    main()
