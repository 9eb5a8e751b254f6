"""Motion in 3D (BVH, ASF/AMC, C3D, TRC, MMPose's and bare arrays): as files have it, then as joints, then as a clip."""
