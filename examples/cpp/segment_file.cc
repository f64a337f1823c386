// Sends an MP4 file with one box to a maskstream server and prints what is seen on each frame.
//
//   segment_file HOST:PORT VIDEO.mp4 X Y WIDTH HEIGHT
//
// Only the .proto files are needed, and gRPC as Debian has it: see CMakeLists.txt beside this file.

#include <grpcpp/grpcpp.h>

#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "maskstream/v1/segmentation_service.grpc.pb.h"

using namespace maskstream::v1;

namespace {

// gRPC's own 4 MiB is less than a large mask.
constexpr int kMaxMessageBytes = 32 * 1024 * 1024;
constexpr std::size_t kChunkBytes = 64 * 1024;

using Stream = grpc::ClientReaderWriter<SegmentVideoRequest, SegmentVideoResponse>;

// Config first, then the prompt, then the video: a prompt waits behind what was sent before it.
void Send(Stream& stream, std::ifstream& file, const Box& box) {
  SegmentVideoRequest config;
  config.mutable_config()->set_container(CONTAINER_MP4);
  config.mutable_config()->set_delivery(DELIVERY_EVERY_FRAME);
  stream.Write(config);

  SegmentVideoRequest prompt;
  PromptUpdate& update = *prompt.mutable_prompt();
  update.set_request_id(1);
  update.set_object_id(1);
  update.set_action(PROMPT_ACTION_ADD);
  update.set_frame_index(0);
  *update.mutable_box() = box;
  stream.Write(prompt);

  std::vector<char> bytes(kChunkBytes);
  while (file.read(bytes.data(), bytes.size()) || file.gcount() > 0) {
    SegmentVideoRequest chunk;
    chunk.mutable_chunk()->set_data(bytes.data(), file.gcount());
    if (!stream.Write(chunk)) break;  // the call is over; its status says why
  }
  stream.WritesDone();
}

void Print(const FrameMasks& frame) {
  std::cout << "frame " << frame.frame_index();
  for (const ObjectMask& object : frame.objects()) {
    std::cout << " object " << object.object_id() << " area " << object.area() << " confidence "
              << object.confidence();
  }
  std::cout << "\n";
}

}  // namespace

int main(int count, char** words) {
  std::ifstream file(count == 7 ? words[2] : "", std::ios::binary);
  if (!file) {
    std::cerr << "usage: segment_file HOST:PORT VIDEO.mp4 X Y WIDTH HEIGHT\n";
    return 2;
  }
  Box box;
  box.set_x(std::stod(words[3]));
  box.set_y(std::stod(words[4]));
  box.set_width(std::stod(words[5]));
  box.set_height(std::stod(words[6]));

  grpc::ChannelArguments settings;
  settings.SetMaxReceiveMessageSize(kMaxMessageBytes);
  auto channel =
      grpc::CreateCustomChannel(words[1], grpc::InsecureChannelCredentials(), settings);
  auto stub = SegmentationService::NewStub(channel);
  grpc::ClientContext context;
  auto stream = stub->SegmentVideo(&context);
  // Answers come while the video is on its way, so sending has a thread of its own.
  std::thread sender([&] { Send(*stream, file, box); });
  SegmentVideoResponse response;
  while (stream->Read(&response)) {
    if (response.has_masks()) Print(response.masks());
    if (response.has_ack() && response.ack().has_error())
      std::cerr << "prompt refused: " << response.ack().error().message() << "\n";
  }
  sender.join();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) std::cerr << "failed: " << status.error_message() << "\n";
  return status.ok() ? 0 : 1;
}
