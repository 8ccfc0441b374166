// With a headset, where the browser offers one (WebXR exists in secure contexts only, so not in pages opened from files): stand in
// the land, go by pointing, turn by steps. Nothing glides, so that nobody feels sick.

// Whether to offer it.
async function worldHeadsetThere() {
  try {
    return Boolean(navigator.xr && (await navigator.xr.isSessionSupported("immersive-vr")));
  } catch {
    return false;
  }
}

// Where a ray meets the ground, or null; each step is a little longer than the one before.
function worldHit(ground, [x, y, z], [dx, dy, dz], far) {
  for (let t = 1, step = 1; t < far; t += step, step *= 1.04) {
    const height = ground(x + t * dx, z + t * dz);
    if (height === null) return null;
    if (y + t * dy <= height) return [x + t * dx, z + t * dz];
  }
  return null;
}

// Turn a vector of the room into the world's, for somebody whose room looks to `yaw`.
function worldTurned(yaw, { x, y, z }) {
  const [s, c] = [Math.sin(yaw), Math.cos(yaw)];
  return [c * x - s * z, y, s * x + c * z];
}

// Enter; `place` is { camera, ground, gather, travel, picture() }, far in metres. Gives the session.
async function worldEnter({ scene, camera, ground, gather, travel, picture, far, left }) {
  const session = await navigator.xr.requestSession("immersive-vr", { optionalFeatures: ["local-floor"] });
  const { gl } = scene;
  await gl.makeXRCompatible();
  const layer = new XRWebGLLayer(session, gl);
  session.updateRenderState({ baseLayer: layer, depthNear: 0.5, depthFar: 1.6 * far });
  const space = await session.requestReferenceSpace("local-floor").catch(() => session.requestReferenceSpace("local"));
  const feet = () => {
    const height = ground(camera.x, camera.z);
    const lift = camera.flying ? Math.max(0, camera.above - camera.eye) : 0;
    return { x: camera.x, y: (height ?? camera.y - camera.eye - lift) + lift, z: camera.z };
  };
  session.addEventListener("select", ({ frame, inputSource }) => {
    const pose = frame.getPose(inputSource.targetRaySpace, space);
    if (!pose) return;
    const { position, matrix } = pose.transform;
    const from = worldTurned(camera.yaw, position);
    const way = worldTurned(camera.yaw, { x: -matrix[8], y: -matrix[9], z: -matrix[10] });
    const { x, y, z } = feet();
    const hit = worldHit(ground, [x + from[0], y + from[1], z + from[2]], way, far);
    if (hit) travel(...hit);
  });
  let turned = false;
  session.requestAnimationFrame(function draw(now, frame) {
    session.requestAnimationFrame(draw);
    const stick = [...session.inputSources].reduce((sum, { gamepad }) => sum + ((gamepad && gamepad.axes[2]) || 0), 0);
    if (Math.abs(stick) < 0.3) turned = false;
    else if (Math.abs(stick) > 0.7 && !turned) {
      turned = true;
      camera.look(camera.yaw + (Math.sign(stick) * Math.PI) / 6, 0);
    }
    gather();
    const pose = frame.getViewerPose(space);
    if (!pose) return;
    const room = worldLook(camera.yaw, 0);
    const views = pose.views.map((view) => {
      const eye = Float32Array.from(view.transform.inverse.matrix);
      eye.fill(0, 12, 15);
      const { x, y, width, height } = layer.getViewport(view);
      const shift = worldTurned(camera.yaw, view.transform.position);
      return { projection: view.projectionMatrix, look: worldProduct(eye, room), viewport: [x, y, width, height], shift };
    });
    gl.bindFramebuffer(gl.FRAMEBUFFER, layer.framebuffer);
    scene.eyes({ camera: feet(), views, ...picture() });
  });
  session.addEventListener("end", () => {
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    left();
  });
  return session;
}
