"""What every paper of the course compares itself with: three trained unrolled networks and an untrained one.

`MoDL` has a denoiser and conjugate gradients by turns (Aggarwal et al., IEEE Trans Med Imaging 2019; 38:394). `VarNet`
takes gradient steps in k-space, with maps by a network (Sriram et al., MICCAI 2020). `ISTANet` shrinks in a learned
transform (Zhang and Ghanem, CVPR 2018). `ConvDecoder` is fitted to one scan (Darestani and Heckel, IEEE Trans Comput
Imaging 2021; 7:724).
"""

from mrilab.baselines.convdecoder import ConvDecoder
from mrilab.baselines.istanet import ISTANet
from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
