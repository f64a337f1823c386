"""The three families of models: from a user's weights, or small ones with weights made from a seed."""

import os

import numpy as np
import torch
import transformers
from torch import nn

CLASSES = {
    "sam2": "Sam2VideoModel",
    "edgetam": "EdgeTamVideoModel",
    "sam3": "Sam3TrackerVideoModel",
}

#: Scale of weights, of mask logits and of queries and keys of attention to memory. Undamped random
#: weights make the loop chaotic (an error of 1e-5 grows to 1 in ten frames); too small ones make
#: memory have no effect.
DAMPING = {"sam2": (1.0, 0.5, 1.5), "edgetam": (1.2, 1.0, 2.0), "sam3": (1.0, 0.5, 1.5)}

#: Of the head of object scores: objects are there on every frame.
PRESENCE_BIAS = 6.0


def load(family, weights):
    """A model of `transformers` from a folder of weights, in float32, for inference."""
    model = getattr(transformers, CLASSES[family]).from_pretrained(weights, attn_implementation="eager")
    return model.float().eval()


def small(family, hidden=128, seed=7, presence_bias=PRESENCE_BIAS):
    """The family's architecture at 128 pixels (SAM 3: 112), narrow, with weights from a seed."""
    torch.manual_seed(seed)  # for what no recipe covers: the random directions of positions
    model = {"sam2": _small_sam2, "edgetam": _small_edgetam, "sam3": _small_sam3}[family](hidden)
    _seed_weights(model.eval().float(), family, seed, presence_bias)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    if norms:  # RepViT: running statistics that fit the weights, or activations blow up
        with torch.no_grad():
            model.get_image_features(torch.from_numpy(clip(model.image_size, 4)))
    return model.eval()


def full(family, seed=7, presence_bias=PRESENCE_BIAS):
    """The family's architecture at the size of its configuration's defaults (SAM 2.1 tiny, EdgeTAM, SAM 3),
    with weights from a seed: to measure what it costs where the real weights are not at hand."""
    torch.manual_seed(seed)
    if family == "sam3":
        vision = transformers.Sam3VisionConfig(backbone_config=transformers.Sam3ViTConfig())
        config = transformers.Sam3TrackerVideoConfig(vision_config=vision)
    else:
        config = {"sam2": "Sam2VideoConfig", "edgetam": "EdgeTamVideoConfig"}[family]
        config = getattr(transformers, config)()
    config._attn_implementation = "eager"
    model = getattr(transformers, CLASSES[family])(config)
    _seed_weights(model.eval().float(), family, seed, presence_bias)
    return model.eval()


def _small_sam2(hidden, side=128):
    f = side // 16
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=16,
        num_attention_heads=1,
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 1, 2, 4],
        window_size_per_stage=[8, 4, 8, 4],
        global_attention_blocks=[3],
        image_size=[side, side],
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=_feature_sizes(f),
        fpn_hidden_size=hidden,
    )
    return _build(
        "Sam2Video", vision, side, 16, hidden, memory_attention_feed_forward_hidden_size=hidden
    )


def _small_edgetam(hidden, side=128, latents=16):
    f = side // 16
    backbone = transformers.TimmWrapperConfig(
        architecture="repvit_m1",
        num_labels=0,
        do_pooling=True,
        model_args={
            "in_chans": 3,
            "features_only": True,
            "out_indices": [0, 1, 2, 3],
            "embed_dim": [16, 32, 48, 64],
            "depth": [1, 1, 1, 1],
        },
    )
    vision = transformers.EdgeTamVisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 48, 32, 16],
        backbone_feature_sizes=_feature_sizes(f),
        fpn_hidden_size=hidden,
    )
    grid = int(latents**0.5)
    return _build(
        "EdgeTamVideo",
        vision,
        side,
        16,
        hidden,
        memory_attention_mlp_hidden_size=hidden,
        perceiver_resampler_num_latents=latents,
        perceiver_resampler_num_latents_2d=latents,
        memory_attention_rope_k_sizes=[grid, grid],
        # As published exports have it.
        enable_occlusion_spatial_embedding=False,
        enable_temporal_pos_encoding_for_object_pointers=False,
    )


def _small_sam3(hidden, side=112):
    f = side // 14
    backbone = transformers.Sam3ViTConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=side,
        window_size=4,
        global_attn_indexes=[1],
        pretrain_image_size=56,
    )
    vision = transformers.Sam3VisionConfig(
        backbone_config=backbone, backbone_feature_sizes=_feature_sizes(f), fpn_hidden_size=hidden
    )
    return _build(
        "Sam3TrackerVideo", vision, side, 14, hidden, memory_attention_feed_forward_hidden_size=hidden
    )


def _feature_sizes(f):
    return [[4 * f, 4 * f], [2 * f, 2 * f], [f, f]]


def _build(prefix, vision, side, patch, hidden, **more):
    def config(name):
        return getattr(transformers, f"{prefix}{name}Config")

    f = side // patch
    whole = config("")(
        vision_config=vision,
        prompt_encoder_config=config("PromptEncoder")(hidden_size=hidden, image_size=side, patch_size=patch),
        mask_decoder_config=config("MaskDecoder")(hidden_size=hidden, mlp_dim=hidden, iou_head_hidden_dim=hidden),
        image_size=side,
        memory_attention_hidden_size=hidden,
        memory_attention_rope_feat_sizes=[f, f],
        memory_attention_num_layers=2,
        memory_encoder_hidden_size=hidden,
        mask_downsampler_embed_dim=hidden,
        memory_fuser_embed_dim=hidden,
        memory_fuser_intermediate_dim=hidden,
        **more,
    )
    whole._attn_implementation = "eager"
    return getattr(transformers, f"{prefix}Model")(whole)


def seeded(name_seed, shape, scale):
    """Uniform values in [-scale, scale) from a hash of each index: the same in TypeScript
    (test/fixtures/seeded-weights.ts)."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(name_seed)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
        h = h ^ (h >> np.uint32(16))
    return ((h.astype(np.float64) / 2.0**31 - 1.0) * float(scale)).astype(np.float32).reshape(shape)


@torch.no_grad()
def _seed_weights(model, family, seed, presence_bias):
    """Signal-preserving weights. The initial ones of `transformers` are small or zero in places, so
    that parts of the code would not be tested (temporal table, pointers, occlusion)."""
    gain, mask_scale, attention_scale = DAMPING[family]
    scales = {}
    for name, module in model.named_modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            transposed = isinstance(module, nn.ConvTranspose2d)
            fan_in = module.weight.shape[0] if transposed else module.weight[0].numel()
            scales[f"{name}.weight"] = gain * fan_in**-0.5
            scales[f"{name}.bias"] = 0.05
        elif isinstance(module, nn.Embedding):
            scales[f"{name}.weight"] = 0.5
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
    learned = (
        "no_memory_embedding",
        "no_object_pointer",
        "memory_temporal_positional_encoding",
        "occlusion_spatial_embedding_parameter",
        "no_memory_positional_encoding",
    )
    for name, parameter in model.named_parameters():
        scale = scales.get(name)
        if name in learned or "pos_embed" in name:
            scale = 0.5
        if "latents" in name:
            scale = 0.1
        if name.endswith(".scale") and "memory_fuser" in name:
            scale = 0.5
        if scale is None:
            continue
        # Sharper attention to memory: else random memory is averaged away.
        is_key = "cross_attn_image" in name and name[-13:] in ("q_proj.weight", "k_proj.weight")
        if is_key or ("spatial_perceiver" in name and name.endswith("weight") and parameter.ndim == 2):
            scale *= attention_scale
        if "output_hypernetworks_mlps" in name and name.endswith("proj_out.weight"):
            scale *= mask_scale
        if "pred_obj_score_head" in name and name.endswith("proj_out.weight"):
            scale *= 4  # so that scores differ from frame to frame
        # A uniform value of this range has the standard deviation `scale`.
        bound = np.float32(scale * 3**0.5)
        values = seeded(name_seed(name, seed), tuple(parameter.shape), bound)
        parameter.copy_(torch.from_numpy(values))
        parameter.seeded = (name_seed(name, seed), float(bound))
    shared = model.shared_image_embedding.positional_embedding
    model.prompt_encoder.shared_embedding.positional_embedding.copy_(shared)  # one in checkpoints
    model.mask_downsample.weight.fill_(1.25)  # 0 and 1 to -10 and 10
    model.mask_downsample.bias.fill_(-10.0)
    model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(presence_bias)


def name_seed(name, seed):
    """FNV-1a of a parameter's name and the seed: 32 bits."""
    h = 2166136261
    for byte in f"{seed}:{name}".encode():
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h


def clip(side, frames):
    """A moving disc and a square on a smooth ground: float32 [frames,3,side,side], normalised."""
    y, x = np.mgrid[0:side, 0:side] / side
    out = []
    for t in range(frames):
        ground = [0.4 + 0.3 * np.sin(6 * x + 0.1 * t), 0.4 + 0.3 * np.cos(5 * y), 0.5 + 0.2 * np.sin(4 * (x + y))]
        image = np.stack(ground)
        disc = (x - 0.3 - 0.04 * t) ** 2 + (y - 0.4 - 0.02 * t) ** 2 < 0.15**2
        square = (abs(x - 0.75 + 0.02 * t) < 0.1) & (abs(y - 0.7) < 0.1)
        image[:, disc] = np.array([0.9, 0.1, 0.2])[:, None]
        image[:, square] = np.array([0.1, 0.8, 0.3])[:, None]
        out.append(image)
    mean = np.array([0.485, 0.456, 0.406])[:, None, None]
    std = np.array([0.229, 0.224, 0.225])[:, None, None]
    return ((np.stack(out) - mean) / std).astype(np.float32)


def prompts(side):
    """A click, a box (points and labels in pixels of the input) and a mask of the disc on frame 0."""
    y, x = np.mgrid[0:side, 0:side] / side
    disc = ((x - 0.3) ** 2 + (y - 0.4) ** 2) < 0.15**2
    return {
        "click": (np.array([[[[0.3 * side, 0.4 * side]]]], np.float32), np.array([[[1]]], np.int32)),
        "box": (
            np.array([[[[0.15 * side, 0.25 * side], [0.45 * side, 0.55 * side]]]], np.float32),
            np.array([[[2, 3]]], np.int32),
        ),
        "mask": disc.astype(np.float32)[None, None],
    }


def as_bytes(frames, mean, std):
    """Normalised pictures as the bytes that they come from, and what those are when normalised."""
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (mean, std))
    pictures = np.clip(np.round((frames * std + mean) * 255), 0, 255).astype(np.uint8)
    return pictures, ((pictures.astype(np.float32) / 255 - mean) / std).astype(np.float32)


@torch.no_grad()
def track(model, frames, prompts_by_frame):
    """The original tracker on a stream -> logits [n,h,w], object scores [n], its session."""
    module = __import__(type(model).__module__, fromlist=["x"])
    session_class = getattr(module, type(model).__name__.replace("Model", "InferenceSession"))
    side = frames.shape[-1]
    session = session_class(video=None, video_height=side, video_width=side, dtype=torch.float32)
    index = session.obj_id_to_idx(1)
    logits, scores = [], []
    for t, frame in enumerate(frames):
        prompt = prompts_by_frame.get(t)
        if isinstance(prompt, tuple):
            points = {"point_coords": torch.from_numpy(prompt[0]), "point_labels": torch.from_numpy(prompt[1])}
            session.add_point_inputs(index, t, points)
        elif prompt is not None:
            session.add_mask_inputs(index, t, torch.from_numpy(prompt))
        if prompt is not None:
            session.obj_with_new_inputs = [1]
        out = model(session, frame=torch.from_numpy(frame))
        logits.append(out.pred_masks.reshape(out.pred_masks.shape[-2:]).numpy())
        scores.append(float(out.object_score_logits.reshape(-1)[0]))
    return np.stack(logits), np.array(scores, np.float32), session


def quiet():
    """No progress bars and no network."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(int(os.environ.get("EXPORT_THREADS", "2")))
