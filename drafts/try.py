import torch
from mrilab.nets import MoDL, VarNet
from mrilab.nets.sensitivity import calibration_lines
from mrilab.physics import conjugate_gradients, SenseModel, make_mask, estimate_maps
from mrilab.data import read_scan
from mrilab.data.embedded import dataset
from mrilab.teach.compare import agrees
torch.manual_seed(0)
modl, varnet = MoDL().eval(), VarNet().eval()
for n in (modl, varnet):
    for p in n.parameters():
        p.requires_grad_(False)
        if p.dim()>1 and p.abs().max()==0: torch.nn.init.normal_(p,std=.02)
kspace=read_scan(dataset("heads-t2-val")[0]).kspace[0]
mask = make_mask("equispaced", tuple(kspace.shape[-2:]), 4); y=kspace*mask
model=SenseModel(estimate_maps(y,mask)[0],mask)
def my_modl(D, lam, y, model, turns=6):
    x = adjoint = model.adjoint(y)                             # (H, W)
    for _ in range(turns):
        z = D(x[None])[0]
        b = adjoint - model.normal(z) 
        x = z + conjugate_gradients(lambda v: model.normal(v) + lam * v, b, iterations=6, tolerance=0)
    return x
unit = torch.quantile(model.adjoint(y).abs(), 0.99)
with torch.inference_mode():
    mine = my_modl(modl.denoise, modl.log_weight.exp(), y / unit, model)
    agrees(mine, modl((y / unit)[None], mask, model.coil_maps[None])[0], 1e-3)
def my_varnet(U, eta, maps, y, mask):
    everything = SenseModel(maps, torch.ones(1, 1, dtype=torch.bool))
    E, R = everything.forward, everything.adjoint
    k = y
    for U_t, eta_t in zip(U, eta, strict=True):
        k = k - eta_t * mask * (k - y) - E(U_t(R(k)[None])[0])
    return R(k)
acs = calibration_lines(mask, tuple(y.shape[-2:])) 
with torch.inference_mode():
    own_maps = varnet.sensitivity((y / unit)[None], acs[None])[0]
    mine = my_varnet(varnet.unets, varnet.eta, own_maps, y / unit, mask)
    agrees(mine, varnet((y / unit)[None], mask, acs[None])[0], 1e-3)
