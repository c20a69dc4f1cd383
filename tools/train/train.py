#!/usr/bin/env python3
"""Trains one size of the bundled family and exports it: train.py --size s --corpus FILE --out models/

Everything follows from --seed and --tokens; the log (step, tokens, loss of the bodies, seconds) is written
beside the model. A checkpoint is kept with --state, so that a run can be stopped at any time and continued.
The learning rate is constant, then falls linearly to zero over the last --decay of the tokens. Runs on a GPU
where there is one, else on the CPU in bfloat16.
"""

import argparse
import os
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import data  # noqa: E402
import gguf_out  # noqa: E402
from model import SIZES, Model, gguf_config, tensors  # noqa: E402
from muon import Muon  # noqa: E402

RATE = {"xs": (0.03, 0.01), "s": (0.02, 0.006), "m": (0.015, 0.004), "l": (0.012, 0.003)}  # matrices, others


def open_log(path, step):
    """The log, without what was written after the checkpoint."""
    kept = ["step,tokens,body_loss,verify_loss,seconds\n"]
    if step:
        with open(path, encoding="utf-8") as f:
            kept += [line for line in list(f)[1:] if int(line.split(",")[0]) <= step]
    f = open(path, "w", encoding="utf-8")
    f.writelines(kept)
    return f


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--size", choices=SIZES, required=True)
    p.add_argument("--corpus", required=True)
    p.add_argument("--cache", required=True, help="tokenizer and token rows, made once")
    p.add_argument("--out", required=True)
    p.add_argument("--state", required=True, help="checkpoint, continued from when it exists")
    p.add_argument("--tokens", type=float, default=12e6)
    p.add_argument("--decay", type=float, default=0.5)
    p.add_argument("--batch", type=int, default=4096, help="tokens a step")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--save-every", type=int, default=250)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tok, ids, kinds, starts = data.prepare(a.corpus, a.cache)
    model = Model(a.size, len(tok.tokens)).to(device)
    n_params = sum(w.numel() for w in model.parameters())
    opts = [Muon(model.matrices(), RATE[a.size][0], weight_decay=0.02),
            torch.optim.AdamW(model.others(), RATE[a.size][1], betas=(0.9, 0.97), weight_decay=0.0)]
    step, seen, seconds = 0, 0, 0.0
    if os.path.exists(a.state):
        s = torch.load(a.state, map_location=device)
        model.load_state_dict(s["model"])
        for o, state in zip(opts, s["opts"]):
            o.load_state_dict(state)
        step, seen, seconds = s["step"], s["seen"], s["seconds"]
    name = f"ration-mini-{a.size}"
    log = open_log(os.path.join(a.out, name + ".log.csv"), step)

    def save():
        torch.save({"model": model.state_dict(), "opts": [o.state_dict() for o in opts], "step": step, "seen": seen,
                    "seconds": seconds}, a.state + ".tmp")
        os.replace(a.state + ".tmp", a.state)
        gguf_out.write(os.path.join(a.out, name + ".gguf"), gguf_config(a.size), tok, tensors(model), name, "MIT")

    began, shown = time.time(), []
    for i, (x, y, w) in enumerate(data.batches(ids, kinds, starts, a.batch, 320, a.seed)):
        if i < step:
            continue
        if seen >= a.tokens:
            break
        left = min(1.0, (1 - seen / a.tokens) / a.decay)
        for o, rate in zip(opts, RATE[a.size]):
            for g in o.param_groups:
                g["lr"] = rate * min(1.0, (step + 1) / 100) * left
        x, y, w = (torch.from_numpy(v).to(device) for v in (x, y, w))
        keep = w.flatten() > 0  # logits only where they count
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(x).flatten(0, 1)[keep] @ model.emb.weight.T
        each = F.cross_entropy(logits.float(), y.flatten()[keep], reduction="none")
        weight = w.flatten()[keep]
        loss = (each * weight).sum() / weight.sum()
        for o in opts:
            o.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.others(), 1.0)
        for o in opts:
            o.step()
        step += 1
        seen += x.numel()
        d = each.detach()
        body, verify = weight == 1.0, weight == data.VERIFY_WEIGHT
        shown.append((d[body].sum().item(), body.sum().item(), d[verify].sum().item(), verify.sum().item()))
        if step % 50 == 0:
            seconds += time.time() - began
            began = time.time()
            b, nb, v, nv = (sum(t) for t in zip(*shown))
            log.write(f"{step},{seen},{b / max(nb, 1):.4f},{v / max(nv, 1):.4f},{seconds:.0f}\n")
            log.flush()
            shown = []
        if step % a.save_every == 0:
            save()
    seconds += time.time() - began
    save()
    print(f"{name}: {n_params} parameters, {step} steps, {seen} tokens, {seconds:.0f} s")


if __name__ == "__main__":
    main()
