"""How good a reconstruction is, and the pipeline that finds out."""

from mrilab.evaluation.metrics import nmse, nrmse, psnr, psnr_volume, ssim, ssim_volume
