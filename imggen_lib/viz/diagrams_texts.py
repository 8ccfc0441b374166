"""The words of the diagrams in :mod:`imggen_lib.viz.diagrams`, in one place so that they can be translated; formulas stay there."""

TEXTS: dict[str, str] = {
    "gan": "The two turns of a GAN",
    "gan_step": "What detach cuts in a training step of a GAN",
    "vae": "A VAE in training, and drawing a new image",
    "optimised": "What is adjusted in generation by optimisation: codes and a generator, or pixels",
    "diffusion": "A diffusion model in training, and its way back from noise to an image",
    "gram": "From an image to its Gram matrix, and from two of them to a loss",
    "legend_firm": "network that learns",
    "legend_fixed": "network that does not",
    "legend_tensor": "numbers",
    "legend_noise": "noise",
    "legend_loss": "loss or term",
    "legend_value": "values",
    "legend_gradient": "gradient",
    "legend_stop": "gradient ends",
    "learns": "learns",
    "fixed": "stays as it is",
    "noise": "noise",
    "generator": "Generator",
    "critic": "Critic",
    "encoder": "Encoder",
    "decoder": "Decoder",
    "generated": "generated",
    "real": "real",
    "image": "image",
    "example": "Example",
    "filters": "Filters",
    "gan_critic_title": "(a) The critic's turn",
    "gan_critic_words": "Noise goes through the generator and becomes a generated image. The critic judges it and a real image."
    " The loss is minus the logarithm of its answer for the real one, minus the logarithm of one minus its "
    "answer for the generated one. The gradient goes back into the critic and ends before both images, so "
    "the generator does not change.",
    "gan_generator_title": "(b) The generator's turn",
    "gan_generator_words": "Noise goes through the generator and becomes an image, which the critic judges. The loss is minus the "
    "logarithm of the critic's answer. The gradient goes back through the critic, which stays as it is, "
    "into the generator.",
    "critic_loss": "small if each is told for what it is",
    "generator_loss": "small if taken for real",
    "step_critic_title": "(a) D_loss.backward()",
    "step_critic_words": "Random numbers go through G and become the tensor fake. The gradient of D_loss reaches D's weights and"
    " ends at fake.detach(), so that nothing reaches G.",
    "step_generator_title": "(b) G_loss.backward()",
    "step_generator_words": "The same fake goes through D again, this time without detach. The gradient of G_loss goes back through"
    " D into G. D's weights get gradients as well, but no step: D's optimiser forgets them at its next "
    "zero_grad.",
    "untouched": "no gradient",
    "cut": "the same numbers, without a past",
    "gets_step": "gets the step",
    "labels_both": "real to 1, fake to 0",
    "same_images": "the same images",
    "passes": "lets the gradient through, gets no step",
    "label_real": "fake to 1",
    "vae_train_title": "(a) Training",
    "vae_train_words": "The encoder turns an image into a mean and a width. From them and from noise comes the latent z, mean "
    "plus width times noise. The decoder turns z into a distribution of images; its logarithm at the image "
    "is the first term of the ELBO. The second term, minus the divergence from the prior, comes from mean "
    "and width alone. Gradients of both reach the encoder, that of the first through z; none goes into the "
    "noise.",
    "vae_draw_title": "(b) Drawing a new image",
    "vae_draw_words": "A latent z is drawn from the prior. The decoder, which stays as it is, turns it into a distribution of"
    " images, from which a new image is drawn. The encoder is not needed.",
    "price": "price of the description",
    "fit": "how well it fits",
    "elbo": "ELBO = log $p(x|z)$ \u2212 KL",
    "raised": "raised by both networks",
    "prior": "from the prior $N(0, I)$",
    "each_pixel": "one distribution for each pixel",
    "new_image": "new image",
    "glo_title": "(a) Codes and a generator (GLO)",
    "glo_words": "Each training image has a code of its own. The generator turns the code into an image, which is "
    "compared with the training image. The gradient of their distance goes back through the generator into "
    "the code; both are adjusted.",
    "texture_title": "(b) Pixels (texture synthesis)",
    "texture_words": "An image that began as noise and an example go through the same filters, which stay as they are. Gram "
    "matrices of both are compared. The gradient goes back through the filters into the pixels, which alone"
    " are adjusted; none goes to the example.",
    "own_code": "one for each image, adjusted",
    "between_images": "distance between images",
    "pixels": "pixels, adjusted",
    "gram_made": "Gram matrices",
    "gram_example": "of the example",
    "between_statistics": "distance between statistics",
    "noised_title": "(a) Training: noise is added, and guessed away",
    "noised_words": "An image and noise are mixed into a noisy image, in one step for any time t; nothing is learned there."
    " A network guesses the clean image. The loss is the squared distance of the guess from the image; its "
    "gradient goes into the network alone.",
    "denoised_title": "(b) Sampling: the way back",
    "denoised_words": "Sampling begins with pure noise. The network guesses the clean image, from which a slightly less noisy"
    " image is computed. That goes in again, with t smaller by one, until a new image is left.",
    "denoiser": "Denoising network",
    "noised_in_one": "$t$ steps of noise, made at once",
    "guess": "guess of the clean image",
    "mean_best": "best answer: the mean",
    "pure_noise": "nothing but noise",
    "now": "noisy image",
    "less_noise": "a little less noise",
    "gram_matrix_title": "(a) A Gram matrix",
    "gram_matrix_words": "An image goes through filters that stay as they are. The feature maps are a matrix F, one row a map, "
    "one column a place. The mean product of the rows i and j over all places is the entry i, j of the Gram"
    " matrix.",
    "gram_loss_title": "(b) The loss",
    "gram_loss_words": "For each layer the Gram matrix of the image and that of the example are compared: squared distance "
    "over the squared size of the example's. The mean over layers is the loss. Its gradient goes back to "
    "the image's features; the example's matrix is computed once.",
    "maps": "$C$ maps, $M$ places",
    "map_i": "map $i$",
    "map_j": "map $j$",
    "mean_product": "mean of $F_{ip} F_{jp}$ over places $p$",
    "layer_made": "the image's features",
    "layer_example": "Features of the example",
    "no_places": "forgets places",
    "once": "computed once",
    "of_layer": "one layer",
    "all_layers": "mean over the layers",
}
