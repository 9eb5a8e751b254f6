"""Motion-capture files (BVH, ASF/AMC) as they are, before their joints are matched to ours."""
