"""Samples, promotion to a host, generations and the way back: E180 to E194."""

from sandbox.model.codes.code import Code

ROWS = {
    "E180": Code(
        "sample not usable",
        "A file in the folder of samples is not what a sample looks like, or a name cannot be one.",
        "Correct the file, or record it anew: `sandbox online-endpoint invoke ... --keep-sample NAME`.",
    ),
    "E181": Code(
        "no sealed image",
        "The image that a deployment is to run from is not in the engine, or was not made by `sandbox seal`.",
        "Seal the deployment, or promote it again.",
    ),
    "E182": Code(
        "sealed deployments stay as they are",
        "What runs from a sealed image has its code, model and packages in it; nothing of that is changed in place.",
        "Change the deployment that it was sealed from, and promote it again.",
    ),
    "E183": Code(
        "answers differ",
        "A request that is kept with the deployment is answered otherwise than before, or not at all.",
        "Correct the deployment; where the new answer is right, record it: `invoke ... --keep-sample NAME`.",
    ),
    "E185": Code(
        "gate failed",
        "The new version answered with errors, or its instances died, while traffic moved to it. The traffic is back "
        "where it was.",
        "Read the cause; the log of the new version is in the message.",
    ),
    "E186": Code(
        "being promoted",
        "Somebody promotes or rolls back this endpoint at the moment; the message says who, what and since when.",
        "Wait for it. It needs no help when its process dies: the lock dies with it.",
    ),
    "E187": Code(
        "no such generation",
        "There is nothing to go back to, or no generation of that number.",
        "`sandbox history ENDPOINT` lists them.",
    ),
    "E188": Code(
        "generation cannot be brought back",
        "A deployment of it is gone, and its image as well; or it was never sealed.",
        "Go back to another generation, or promote what you want again.",
    ),
    "E189": Code(
        "not a promotion",
        "What the host was sent is not what this version of the program sends.",
        "Use the same version on both sides: promote sends the program as well, so say it again.",
    ),
    "E190": Code(
        "which deployment is not clear",
        "The endpoint has several deployments with traffic, or none.",
        "Say which: `--deployment NAME`.",
    ),
    "E191": Code(
        "steps of traffic not usable",
        "Steps are whole percentages that grow, from 1 to 100.",
        "For instance `--traffic 10,50,100 --pause 30s`.",
    ),
    "E192": Code(
        "promotion broke off",
        "The connection ended, or the program on the host did, before it was said how it went. The host notices within "
        "a minute and takes the traffic back; when its program has died, both versions go on serving.",
        "Say the same command again: it goes on where the host is. Or `sandbox --host NAME rollback ENDPOINT`.",
    ),
    "E193": Code(
        "traffic changed by somebody else",
        "While traffic moved to the new version another command changed it. What that command said counts.",
        "Look at `sandbox status`, and decide anew.",
    ),
}
