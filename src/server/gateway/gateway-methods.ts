/** Methods that the gateway carries, by path; `oneRequest`: the call half-closes after a message. */
export const gatewayMethods: Readonly<Record<string, { readonly oneRequest: boolean }>> = {
  '/maskstream.v1.SegmentationService/SegmentVideo': { oneRequest: false },
  '/maskstream.v1.SegmentationService/SegmentImage': { oneRequest: true },
  '/maskstream.v1.SegmentationService/ListModels': { oneRequest: true },
};
