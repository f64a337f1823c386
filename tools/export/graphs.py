"""Cuts the video models of `transformers` (SAM 2.1, SAM 3's tracker, EdgeTAM) into ONNX graphs.

One class a graph; batch 1, one object. f = side of the coarsest feature map, C = hidden size,
S = side of the input, T = tokens of a memory map. Shapes stand beside each `forward`.
"""

import torch
from torch import nn
from torch.nn import functional as F


def rotate_pairs(x):
    """(a, b) -> (-b, a) for each pair of channels, without a view on dynamic shapes."""
    return torch.stack((-x[..., 1::2], x[..., 0::2]), -1).flatten(-2)


class Encoder(nn.Module):
    """[1,3,S,S] -> features4 [1,C/8,4f,4f], features8 [1,C/4,2f,2f], embedding [1,C,f,f] as it is,
    embedding for prompted frames, positions [1,C,f,f]."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        model = self.model
        out = model.get_image_features(pixel_values, return_dict=True)
        sizes = model.backbone_feature_sizes
        fine, middle, coarse = (
            level.permute(1, 2, 0).reshape(1, -1, *size)
            for level, size in zip(out.fpn_hidden_states, sizes)
        )
        positions = out.fpn_position_encoding[2].permute(1, 2, 0).reshape(1, -1, *sizes[2])
        prompted = coarse + model.no_memory_embedding.reshape(1, -1, 1, 1)
        return fine, middle, coarse, prompted, positions


class BytesEncoder(Encoder):
    """The same from bytes, uint8 [1,3,S,S]: a quarter of what goes to the device, and no loop on the host."""

    def __init__(self, model, mean, std):
        super().__init__(model)
        scale = 255 * torch.tensor(std, dtype=torch.float32)
        self.mean = nn.Buffer((255 * torch.tensor(mean, dtype=torch.float32)).reshape(1, 3, 1, 1))
        self.scale = nn.Buffer(scale.reshape(1, 3, 1, 1))

    def forward(self, picture):
        return super().forward((picture.float() - self.mean) / self.scale)


class Decoder(nn.Module):
    """Prompt encoder and mask decoder, with the original's choice of a candidate in the graph.

    features, points [1,1,N,2] in pixels of the input, labels int32 [1,1,N] -> logits [1,1,4f,4f],
    the same at the input's size [1,1,S,S], predicted IoU [1,1], object score [1,1,1], pointer [1,1,C].
    """

    def __init__(self, model):
        super().__init__()
        self.model = model
        decoder = model.mask_decoder
        # The original's own choice drops candidates and tokens: take all four, choose below.
        decoder.stable_choice = decoder._dynamic_multimask_via_stability
        decoder._dynamic_multimask_via_stability = lambda masks, iou: (masks, iou)
        decoder.transformer.register_forward_hook(
            lambda _module, _inputs, output: self.__dict__.__setitem__("tokens", output[0])
        )
        self.positions = nn.Buffer(model.get_image_wide_positional_embeddings().detach().clone())

    def forward(self, features4, features8, embedding, points, labels, mask=None):
        model, decoder = self.model, self.model.mask_decoder
        sparse, dense = model.prompt_encoder(points, labels, None, mask)
        masks, iou, _, score = decoder(
            image_embeddings=embedding,
            image_positional_embeddings=self.positions,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
            high_resolution_features=[features4, features8],
        )
        tokens = self.tokens[:, :, 2:6]
        # A lone point, or none: the best of candidates 1..3. Else candidate 0, or the best of the
        # others where it is unstable; its pointer stays that of candidate 0.
        best = iou[..., 1:].argmax(-1) + 1
        stable_masks, stable_iou = decoder.stable_choice(masks, iou)
        is_multi = (labels >= 0).sum(-1) <= model.config.multimask_max_pt_num
        one = F.one_hot(best, 4).to(masks.dtype)

        def pick(values):
            return (one.reshape(1, 1, 4, *([1] * (values.ndim - 3))) * values).sum(2)

        logits = torch.where(is_multi[..., None, None], pick(masks), stable_masks[:, :, 0])
        chosen_iou = torch.where(is_multi, pick(iou), stable_iou[..., 0])
        token = torch.where(is_multi[..., None], pick(tokens), tokens[:, :, 0])
        pointer = model.object_pointer_proj(token)
        is_there = score > 0
        logits = torch.where(is_there[..., None], logits, torch.full_like(logits, -1024.0))
        side = model.image_size
        high = F.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
        pointer = torch.where(is_there, pointer, model.no_object_pointer.expand_as(pointer))
        return logits, high, chosen_iou, score, pointer


class MaskPrompt(nn.Module):
    """Pointer of a mask prompt: features (the embedding as it is), mask [1,1,S,S] of 0 and 1 -> [1,1,C]."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, features4, features8, embedding, mask):
        model = self.decoder.model
        points = torch.zeros(1, 1, 1, 2)
        labels = -torch.ones(1, 1, 1, dtype=torch.int32)
        dense = model.mask_downsample(mask)
        size = model.prompt_encoder.mask_input_size
        if tuple(dense.shape[-2:]) != tuple(size):  # SAM 3: 252 to 288
            dense = F.interpolate(dense, size=size, mode="bilinear", align_corners=False)
        return self.decoder(features4, features8, embedding, points, labels, dense)[4]


class MemoryEncoder(nn.Module):
    """embedding as it is, logits at the input's size, object score [1,1], prompted (0 or 1)
    -> memory map and its positions, [T,1,64] each."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def encode(self, embedding, high, score, prompted):
        model, config = self.model, self.model.config
        size = [4 * side for side in model.prompt_encoder.mask_input_size]
        if list(high.shape[-2:]) != size:  # SAM 3: 1008 to 1152
            high = F.interpolate(high, size=size, mode="bilinear", align_corners=False)
        mask = torch.where(prompted > 0.5, (high > 0).float(), torch.sigmoid(high))
        scaled = mask * config.sigmoid_scale_for_mem_enc + config.sigmoid_bias_for_mem_enc
        features, positions = model.memory_encoder(embedding, scaled)
        occlusion = model.occlusion_spatial_embedding_parameter
        if occlusion is not None:
            features = features + (score <= 0).float()[..., None, None] * occlusion[..., None, None]
        return features, positions

    def forward(self, embedding, high, score, prompted):
        features, positions = self.encode(embedding, high, score, prompted)
        if hasattr(self.model, "spatial_perceiver"):
            latents, places = self.model.spatial_perceiver(features, positions)
            return latents.transpose(0, 1), places.transpose(0, 1)
        return features.flatten(2).permute(2, 0, 1), positions.flatten(2).permute(2, 0, 1)


class LowResMemoryEncoder(MemoryEncoder):
    """EdgeTAM as it is published: embedding, logits [1,1,4f,4f], prompted -> [1,T,64] each."""

    def forward(self, embedding, logits, prompted):
        side = self.model.image_size
        high = F.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
        features, positions = self.encode(embedding, high, torch.ones(1, 1), prompted)
        return self.model.spatial_perceiver(features, positions)


class PointerPositions(nn.Module):
    """ages [P] in fractions of the longest -> positions [P,64]."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        half = model.hidden_dim // 2
        steps = torch.div(torch.arange(half, dtype=torch.float32), 2, rounding_mode="floor")
        self.wavelengths = nn.Buffer(10000.0 ** (2 * steps / half))

    def forward(self, ages):
        angles = ages[:, None] / self.wavelengths
        project = self.model.temporal_positional_encoding_projection_layer
        return project(torch.cat([angles.sin(), angles.cos()], -1))


class MemoryAttention(nn.Module):
    """Memory attention of all three families. Keys are maps, with rotary positions on the last
    tokens of each that form a grid, then pointer tokens, which have none."""

    #: One operator for scores, softmax and sum, where the opset has it: scores of a full bank take gigabytes.
    is_fused = False

    def __init__(self, model):
        super().__init__()
        self.attention = attention = model.memory_attention
        self.size = model.backbone_feature_sizes[2]
        self.is_edge = hasattr(attention, "position_ids_k")
        one = torch.zeros(1)
        self.cos, self.sin = (
            nn.Buffer(table[0].clone())
            for table in attention.rotary_emb(one, attention.position_ids)
        )
        self.key_cos, self.key_sin = self.cos, self.sin
        if self.is_edge:
            self.key_cos, self.key_sin = (
                nn.Buffer(table[0].clone())
                for table in attention.rotary_emb(one, attention.position_ids_k)
            )

    def rotate_maps(self, keys, maps):
        """keys [1, maps * T, c]: the grid at the end of each map is rotated."""
        grid = self.key_cos.shape[0]
        keys = keys.reshape(1, maps, -1, keys.shape[-1])
        plain, placed = keys[:, :, : keys.shape[2] - grid], keys[:, :, keys.shape[2] - grid :]
        placed = placed * self.key_cos + rotate_pairs(placed) * self.key_sin
        return torch.cat([plain, placed], 2).reshape(1, -1, keys.shape[-1])

    def attend(self, layer, query, key, value, rotate_keys, mask):
        query, key, value = layer.q_proj(query), layer.k_proj(key), layer.v_proj(value)
        query = query * self.cos + rotate_pairs(query) * self.sin
        key = rotate_keys(key)
        if self.is_fused and mask is None:
            one = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], scale=layer.scaling)
            return layer.o_proj(one[:, 0])
        weights = query @ key.transpose(-1, -2) * layer.scaling
        if mask is not None:
            weights = weights + (1.0 - mask.to(weights.dtype))[:, None, :] * -1e9
        return layer.o_proj(weights.softmax(-1) @ value)

    def run(self, current, positions, memory, memory_positions, rotate_keys, mask=None):
        """Sequences of shape [length, 1, channels] in, [1,C,f,f] out."""
        x = (current + 0.1 * positions).transpose(0, 1)
        memory = memory.transpose(0, 1)
        placed = memory + memory_positions.transpose(0, 1)

        def rotate_self(keys):
            return keys * self.cos + rotate_pairs(keys) * self.sin

        for layer in self.attention.layers:
            normed = layer.layer_norm1(x)
            x = x + self.attend(layer.self_attn, normed, normed, normed, rotate_self, None)
            query = layer.layer_norm2(x)
            x = x + self.attend(layer.cross_attn_image, query, placed, memory, rotate_keys, mask)
            normed = layer.layer_norm3(x)
            if self.is_edge:
                x = x + layer.mlp(normed)
            else:
                x = x + layer.linear2(layer.activation(layer.linear1(normed)))
        return self.attention.layer_norm(x).transpose(1, 2).reshape(1, -1, *self.size)


class DynamicAttention(MemoryAttention):
    """current and its positions [1,C,f,f]; maps and theirs [maps*T,1,64]; pointers and theirs [p,1,64].
    The frame comes as the encoder gives it: on the host turning it into sequences takes longer than the graph."""

    def __init__(self, model, tokens_per_map):
        super().__init__(model)
        self.tokens = tokens_per_map

    def forward(self, current, positions, maps, map_positions, pointers, pointer_positions):
        length = maps.shape[0]

        def rotate_keys(keys):
            grid, channels = self.key_cos.shape[0], keys.shape[-1]
            spatial = keys[:, :length].reshape(1, -1, self.tokens, channels)
            plain, placed = spatial[:, :, : self.tokens - grid], spatial[:, :, self.tokens - grid :]
            placed = placed * self.key_cos + rotate_pairs(placed) * self.key_sin
            spatial = placed if self.tokens == grid else torch.cat([plain, placed], 2)
            return torch.cat([spatial.reshape(1, -1, channels), keys[:, length:]], 1)

        memory = torch.cat([maps, pointers])
        places = torch.cat([map_positions, pointer_positions])
        now, placed = (value.flatten(2).permute(2, 0, 1) for value in (current, positions))
        return self.run(now, placed, memory, places, rotate_keys)


class FixedAttention(MemoryAttention):
    """Maps and pointers in one sequence of fixed length, memory and its positions [maps*f*f + tokens,1,64]."""

    def __init__(self, model, maps, pointer_tokens):
        super().__init__(model)
        self.maps, self.pointer_tokens = maps, pointer_tokens

    def forward(self, current, positions, memory, memory_positions):
        def rotate_keys(keys):
            length = keys.shape[1] - self.pointer_tokens
            return torch.cat([self.rotate_maps(keys[:, :length], self.maps), keys[:, length:]], 1)

        return self.run(current, positions, memory, memory_positions, rotate_keys)


class SlotAttention(MemoryAttention):
    """Slots and a mask: maps and positions [1,maps,T,64], rows int64 [maps], mask bool [1,maps*T+tokens],
    pointers [1,P,C]. The temporal table is in the graph; pointers have no positions."""

    def __init__(self, model):
        super().__init__(model)
        self.table = model.memory_temporal_positional_encoding
        self.dim = model.mem_dim

    def forward(self, current, positions, maps, map_positions, rows, mask, pointers):
        count = maps.shape[1]
        placed = map_positions + self.table[rows][:, 0].reshape(1, count, 1, self.dim)
        tokens = pointers.reshape(1, -1, self.dim)
        memory = torch.cat([maps.reshape(1, -1, self.dim), tokens], 1)
        places = torch.cat([placed.reshape(1, -1, self.dim), torch.zeros_like(tokens)], 1)
        length = count * maps.shape[2]

        def rotate_keys(keys):
            return torch.cat([self.rotate_maps(keys[:, :length], count), keys[:, length:]], 1)

        return self.run(
            current, positions, memory.transpose(0, 1), places.transpose(0, 1), rotate_keys, mask
        )
