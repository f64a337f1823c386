"""Video segmenters at their real sizes with random weights, from the configurations that `transformers` brings.

Each family is cut into the four graphs that a keyframe runs: the image encoder, memory attention over a
full bank (7 maps and 16 object pointers), the mask decoder and the memory encoder. Weights come from one
seed, so every run on every machine measures the same arithmetic; masks mean nothing.
"""

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {"sam2.1-tiny": 1024, "edgetam": 1024, "sam3": 1008, "sam3-short": 1008}
MAPS, POINTERS = 7, 16


def build(name: str) -> nn.Module:
    """The whole video model, float32, on the CPU, in inference mode."""
    import transformers as tf

    torch.manual_seed(0)
    if name == "sam2.1-tiny":
        model = tf.Sam2VideoModel(tf.Sam2VideoConfig())
    elif name == "edgetam":
        backbone = tf.TimmWrapperConfig(
            architecture="repvit_m1",
            num_labels=0,
            do_pooling=True,
            model_args={"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]},
        )
        # Its repr builds the default configuration, which would ask the model hub for the backbone's.
        tf.EdgeTamVisionConfig.has_no_defaults_at_init = True
        vision = tf.EdgeTamVisionConfig(backbone_config=backbone)
        model = tf.EdgeTamVideoModel(tf.EdgeTamVideoConfig(vision_config=vision))
    else:
        vit = tf.Sam3ViTConfig()
        if name == "sam3-short":  # to try the scripts on a small machine
            vit = tf.Sam3ViTConfig(num_hidden_layers=2, global_attn_indexes=[1])
        config = tf.Sam3TrackerVideoConfig(vision_config=tf.Sam3VisionConfig(backbone_config=vit))
        model = tf.Sam3TrackerVideoModel(config)
    with torch.no_grad():  # some learned constants start as zeros, which would hide work from a runtime
        for key, value in model.named_parameters():
            if value.abs().sum() == 0 and not key.endswith("bias"):
                value.normal_(0, 0.02)
    model = model.float().eval().requires_grad_(False)
    settle_batch_norms(model, SIZES[name])
    return model


@torch.no_grad()
def settle_batch_norms(model: nn.Module, size: int) -> None:
    """One pass gives batch norms statistics that fit the weights; without it activations explode."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    if not norms:
        return
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    model.get_image_features(torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(2)))
    model.eval()


class Encoder(nn.Module):
    """image float32 [1,3,S,S] -> the features that the other graphs read."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def maps(self, image: torch.Tensor) -> list[torch.Tensor]:
        dtype = self.model.no_memory_embedding.dtype
        out = self.model.get_image_features(image.to(dtype), return_dict=True)
        sizes = self.model.backbone_feature_sizes
        return [f.permute(1, 2, 0).reshape(1, -1, *hw) for f, hw in zip(out.fpn_hidden_states, sizes)]

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        f0, f1, f2 = self.maps(image)
        return f2.float(), f0.float(), f1.float()


class Attention(nn.Module):
    """feats2 and a full bank -> conditioned features, as the tracker of the family computes them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.inner = model.memory_attention
        self.grid = model.backbone_feature_sizes[2]
        self.is_resampled = hasattr(self.inner, "position_ids_k")
        one = torch.zeros(1)

        def rotary(ids: torch.Tensor) -> list[torch.Tensor]:
            return [t[0].clone() for t in self.inner.rotary_emb(one, ids)]

        def rope() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
            if hasattr(self.inner, "position_ids"):
                query = rotary(self.inner.position_ids)
                key = rotary(self.inner.position_ids_k) if self.is_resampled else query
            else:
                query = [t.clone() for t in self.inner.rotary_emb()]
                key = [t.clone() for t in self.inner.rotary_emb_k()] if hasattr(self.inner, "rotary_emb_k") else query
            return query, key

        (cos, sin), (key_cos, key_sin) = rope()
        for name, value in (("cos", cos), ("sin", sin), ("key_cos", key_cos), ("key_sin", key_sin)):
            self.register_buffer(name, value.reshape(value.shape[-2:]))
        with torch.no_grad():
            size = model.config.image_size
            position = model.get_image_features(torch.zeros(1, 3, size, size), return_dict=True).fpn_position_encoding[2]
        self.register_buffer("position", position.transpose(0, 1).clone())

    def attend(self, layer, query, key, value, rope_key):
        q, k, v = layer.q_proj(query), layer.k_proj(key), layer.v_proj(value)
        q, k = q * self.cos + rotate(q) * self.sin, rope_key(k)
        out = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None], scale=layer.scaling)
        return layer.o_proj(out[:, 0])

    def forward(self, feats2, memory, memory_position):
        x = feats2.flatten(2).transpose(1, 2) + 0.1 * self.position.to(feats2.dtype)
        pointers = POINTERS * 4
        spatial = memory.shape[1] - pointers
        per_map, turned = spatial // MAPS, self.key_cos.shape[0]

        def rope_self(k):
            return k * self.cos + rotate(k) * self.sin

        def rope_memory(k):
            maps = k[:, :spatial].reshape(1, MAPS, per_map, k.shape[-1])
            tail = maps[:, :, per_map - turned :]
            tail = tail * self.key_cos + rotate(tail) * self.key_sin
            maps = torch.cat([maps[:, :, : per_map - turned], tail], 2) if per_map > turned else tail
            return torch.cat([maps.reshape(1, spatial, -1), k[:, spatial:]], 1)

        for layer in self.inner.layers:
            h = layer.layer_norm1(x)
            x = x + self.attend(layer.self_attn, h, h, h, rope_self)
            h = layer.layer_norm2(x)
            x = x + self.attend(layer.cross_attn_image, h, memory + memory_position, memory, rope_memory)
            h = layer.layer_norm3(x)
            x = x + (layer.mlp(h) if self.is_resampled else layer.linear2(layer.activation(layer.linear1(h))))
        return self.inner.layer_norm(x).transpose(1, 2).reshape(1, -1, *self.grid)


def rotate(x: torch.Tensor) -> torch.Tensor:
    return torch.stack((-x[..., 1::2], x[..., 0::2]), -1).flatten(-2)


class Decoder(nn.Module):
    """Features and points of one object -> candidates, scores and the object pointer."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        with torch.no_grad():
            self.register_buffer("position", model.get_image_wide_positional_embeddings().detach().clone())

    def forward(self, feats2, feats0, feats1, points, labels):
        m = self.model
        sparse, dense = m.prompt_encoder(points.to(feats2.dtype), labels, None, None)
        masks, iou, tokens, score = m.mask_decoder(
            image_embeddings=feats2,
            image_positional_embeddings=self.position.to(feats2.dtype),
            sparse_prompt_embeddings=sparse.to(feats2.dtype),
            dense_prompt_embeddings=dense.to(feats2.dtype),
            multimask_output=True,
            high_resolution_features=[feats0, feats1],
        )
        return masks.float(), iou.float(), score.float(), m.object_pointer_proj(tokens[:, :, 0])


class MemoryEncoder(nn.Module):
    """feats2 and low-resolution logits -> the tokens of one map."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, feats2, mask):
        m = self.model
        side = [4 * v for v in m.prompt_encoder.mask_input_size]
        high = F.interpolate(mask, size=side, mode="bilinear", align_corners=False).to(feats2.dtype)
        c = m.config
        high = torch.sigmoid(high) * c.sigmoid_scale_for_mem_enc + c.sigmoid_bias_for_mem_enc
        tokens, position = m.memory_encoder(feats2, high)
        if hasattr(m, "spatial_perceiver"):
            return m.spatial_perceiver(tokens, position)[0]
        return tokens.flatten(2).transpose(1, 2)


PARTS = ("encoder", "attention", "decoder", "memory")


def parts(name: str, model: nn.Module, wanted=PARTS) -> dict[str, tuple[nn.Module, list[tuple], list[str]]]:
    """Graph name -> module, inputs as (name, shape, kind) and output names. Kinds: image, state, mask, points, labels."""
    f = model.backbone_feature_sizes[2][0]
    size = SIZES[name]
    feats2 = ("feats2", [1, 256, f, f], "state")
    high = [("feats0", [1, 32, 4 * f, 4 * f], "state"), ("feats1", [1, 64, 2 * f, 2 * f], "state")]
    per_map = f * f
    if hasattr(model, "spatial_perceiver"):
        per_map = model.config.perceiver_resampler_num_latents + model.config.perceiver_resampler_num_latents_2d
    keys = MAPS * per_map + POINTERS * 4
    bank = [("memory", [1, keys, 64], "state"), ("memory_position", [1, keys, 64], "state")]
    prompt = [("points", [1, 1, 3, 2], "points"), ("labels", [1, 1, 3], "labels")]
    mask = ("mask", [1, 1, 4 * f, 4 * f], "mask")
    cut = {
        "encoder": (Encoder, [("image", [1, 3, size, size], "image")], ["embed", "hr0", "hr1"]),
        "attention": (Attention, [feats2, *bank], ["conditioned"]),
        "decoder": (Decoder, [feats2, *high, *prompt], ["masks", "iou", "score", "pointer"]),
        "memory": (MemoryEncoder, [feats2, mask], ["tokens"]),
    }
    return {part: (cut[part][0](model), *cut[part][1:]) for part in wanted or PARTS}


def example(inputs: list[tuple], dtype: torch.dtype, device: str = "cpu") -> tuple[torch.Tensor, ...]:
    """Random inputs of those names and shapes, from a seed."""
    g = torch.Generator().manual_seed(1)
    out = []
    for _, shape, kind in inputs:
        if kind == "points":
            value = torch.rand(shape, generator=g) * 1000
        elif kind == "labels":
            value = torch.tensor([2, 3, 1], dtype=torch.int32).reshape(shape)
        else:
            value = torch.randn(shape, generator=g) * (4 if kind == "mask" else 1)
            value = value.to(dtype) if kind == "state" else value
        out.append(value.to(device))
    return tuple(out)
