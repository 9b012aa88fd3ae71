package dev.changenet.config;

/**
 * The schema: every key of the experiment spec, in the order in which it is written and documented.
 *
 * <p>A header {@code [section]} starts a section; {@code [a as b]} repeats the sections below b,
 * read by no task. A row is {@code key | type | default | allowed | tasks that read it}, with its
 * description on the next line; {@code alias -> key} declares another spelling. Notations: {@link
 * ValueType#parse}, {@link Constraint#parse}; defaults are written like override values. A default
 * of {@code ???} must be supplied by the user before it is read.
 */
final class SpecTable {
  private SpecTable() {}

  private static final String TOP =
      """
      []
      encryption_key | string or null | null | | all
        Key for .etlt export and for encrypted checkpoints; never printed.
      task | string or null | segment | one of segment, classify | all
        Network family; classify is not supported by this build.
      results_dir | string or null | /results | | all
        Parent of the task's results directory; the run's own directory once the run has started.
      model_name | string or null | null | | -
        Accepted, unused.
      report | bool | true | | train evaluate
        Write report.html, and metrics.json where evaluate runs (an extension of this build).
      """;

  private static final String TRAIN =
      """
      [train]
      num_gpus | int | 1 | >= 1 | train
        Number of GPUs; reconciled with gpu_ids, more than 1 is not supported by this build.
      gpu_ids | list of int | [0] | note distinct indices >= 0 | train
        GPU to train on; without a usable one the CPU trains.
      num_nodes | int | 1 | >= 1 | train
        Machines in a distributed run; more than 1 is not supported by this build.
      seed | int | 1234 | >= -1 and <= 4294967295 | train
        Seeds every generator; -1 means do not seed.
      num_epochs | int | 10 | >= 1 | train
        Total number of epochs, also after a resume.
      checkpoint_interval | int | 1 | >= 1 | train
        Save a checkpoint every n epochs; at most num_epochs.
      checkpoint_interval_unit | string | epoch | one of epoch, step | train
        With step the checkpoint interval counts optimiser steps and may exceed num_epochs.
      validation_interval | int | 1 | >= 1 | train
        Validate every n epochs; at most num_epochs.
      val_interval -> validation_interval
      resume_training_checkpoint_path | string or null | null | note .pth or .tlt file | train
        Checkpoint to resume from; empty or null resumes from the newest in the results \
      directory, where there is one.
      results_dir | string or null | null | | train
        Results directory of training; empty or null means <results_dir>/train.
      pretrained_model_path | string or null | null | note .pth or .tlt file | train
        Whole-model checkpoint to start from; every tensor must match.
      precision | string | 32-true | one of 32-true, 16-mixed, bf16-mixed, 16-true, bf16-true, \
      64-true, 32, 16, bf16, 64 | train
        Arithmetic of training: 32-true (alias 32) or, on a GPU, bf16-mixed (alias bf16) or 16-mixed \
      (alias 16, with a loss scale); the others are not supported by this build.
      activation_checkpoint | bool | false | | train
        Compute the blocks of the encoder again in the backward pass instead of keeping their \
      activations: less memory, more time (an extension of this build).
      sync_batchnorm | bool | true | | train
        Accepted; batch statistics are synchronised whenever more than one GPU is used.
      use_distributed_sampler | bool | true | | train
        Shard validation data over GPUs too.
      clip_grad_norm | float or null | null | >= 0 | train
        Largest L2 norm of all gradients together, larger ones are scaled down; 0 or null is off (an \
      extension of this build).
      accumulate | any | 1 | note 1 to batch_size, or auto | train
        Parts that a batch is worked through in, adding up their gradients: less memory, the same \
      effective batch; auto takes as few as fit into memory (an extension of this build).

      [train.best]
      enabled | bool | false | | train
        Keep the best model as changenet_model_segment_best.pth, chosen by train.optim.monitor_name \
      (an extension of this build, as is all of train.best).
      patience | int or null | null | >= 0 | train
        Stop after n validations in a row that are no better; 0 or null never stops. Needs enabled.
      keep_last | int or null | null | >= 0 | train
        Keep only the n newest epoch and step checkpoints, and those of the best and resumed models; \
      0 or null keeps all. Needs enabled.

      [train.ema]
      enabled | bool | false | | train
        Average the weights over the steps; validation and the best model use the average (an \
      extension of this build, as is all of train.ema).
      decay | float | 0.999 | >= 0 and < 1 | train
        Share of the old average that stays at each step; less during the first steps.

      [train.cudnn]
      benchmark | bool | false | | train
        Time cuDNN's convolution algorithms at first use; two runs may then choose differently.
      deterministic | bool | true | | train
        Use only cuDNN algorithms that give the same bits at every run.

      [train.segment]
      loss | string | ce | one of ce, mmiou, focal, dice, ce_dice, focal_dice | train evaluate
        Training loss: cross entropy or mean IoU; focal, soft dice and their sums are extensions of \
      this build.
      weights | list of float | [0.5, 0.5, 0.5, 0.8, 1.0] | each >= 0 | train evaluate
        Loss weight of each decoder output, coarsest first; 5 or more with multi-scale loss.
      class_weights | list of float or null | null | each >= 0 | train evaluate
        Weight of the pixels of each class in cross entropy and focal loss, num_classes items (an \
      extension of this build).
      focal_gamma | float | 2.0 | >= 0 | train evaluate
        How much focal loss turns to the pixels that are still wrong; 0 is cross entropy (an extension \
      of this build).

      [train.tensorboard]
      enabled | bool | false | | train
        Write TensorBoard files (curves, norms, pictures) into lightning_logs/version_1 of results_dir.
      infrequent_logging_frequency | int | 2 | >= 0 | -
        Classification only.

      [train.classify]
      loss | string | ce | one of ce, contrastive | -
        Classification only.
      cls_weight | list of float | [1.0, 10.0] | | -
        Classification only.

      [train.optim]
      optim | string | adamw | one of adamw, adam, sgd | train
        Optimiser.
      lr | float | 0.0005 | >= 0 | train
        Initial learning rate.
      policy | string | linear | one of linear, step | train
        Learning-rate schedule; step needs num_epochs of 3 or more.
      momentum | float | 0.9 | >= 0 | train
        Momentum of SGD; AdamW and Adam do not read it.
      weight_decay | float | 0.1 | >= 0 | train
        Decoupled decay for AdamW, L2 term for Adam and SGD.
      betas | list of float | [0.9, 0.999] | 2 items; each >= 0 and < 1 | train
        Moment decays of AdamW and Adam.
      monitor_name | string | val_loss | | train
        Score that train.best goes by, a loss or a metric of the validation; without train.best \
      recorded only.
      """;

  private static final String MODEL =
      """
      [model.backbone]
      type | string | fan_small_12_p4_hybrid | one of fan_tiny_8_p4_hybrid, \
      fan_small_12_p4_hybrid, fan_base_16_p4_hybrid, fan_large_16_p4_hybrid, vit_large_nvdinov2, \
      c_radio_v2_vit_base_patch16_224, c_radio_v2_vit_large_patch16_224, \
      c_radio_v2_vit_huge_patch16_224, c_radio_p1_vit_huge_patch16_224_mlpnorm, \
      c_radio_p2_vit_huge_patch16_224_mlpnorm, c_radio_p3_vit_huge_patch16_224_mlpnorm | all
        Encoder; this build runs all but the three c_radio_p* encoders.
      feat_downsample | bool | false | | all
        Extra down-sampling of the last FAN stage; true is not supported.
      pretrained_backbone_path | string or null | null | note .pth or .safetensors file | train
        Encoder weights loaded before training; empty or null for none, ignored outside training.
      freeze_backbone | bool | false | | train
        Do not train the encoder (of a ViT its core: the adapter stays trainable); needs \
      pretrained_backbone_path, ignored outside training.
      drop_path_rate | float | 0.3 | >= 0 and < 1 | train
        Stochastic depth rate of the FAN encoders while training (an extension of this build); \
      vit_large_nvdinov2 always has 0.4, C-RADIO none.

      [model.decode_head]
      in_channels | list of int | [128, 256, 384, 384] | | -
        Accepted; the encoder's own widths are always used.
      in_index | list of int | [0, 1, 2, 3] | 4 items; each >= 0 and <= 3; distinct | all
        Pyramid levels that feed the decoder.
      feature_strides | list of int | [4, 8, 16, 16] | each >= 1 | all
        Strides of the four levels: [4, 8, 16, 16] for FAN, [4, 8, 16, 32] for ViT and C-RADIO.
      align_corners | bool | false | | all
        Alignment of bilinear resizing in the decoder.
      align_corner -> align_corners
      decoder_params | map of int | {embed_dim: 256} | note embed_dim >= 1 | all
        Decoder width embed_dim; other names are ignored.
      use_summary_token | bool | true | | all
        Fuse class and register tokens into the maps; C-RADIO encoders only.

      [model.classify]
      train_margin_euclid | float | 2.0 | >= 1 | -
        Classification only.
      eval_margin | float | 2.0 | >= 0 | -
        Classification only.
      embedding_vectors | int | 5 | >= 1 | -
        Classification only.
      embed_dec | int | 5 | >= 1 | -
        Classification only.
      learnable_difference_modules | int | 4 | >= 1 and <= 4 | -
        Classification only.
      difference_module | string or null | learnable | one of learnable, euclidean | -
        Classification only.
      """;

  private static final String SEGMENT =
      """
      [dataset.segment]
      dataset | string | CNDataset | one of CNDataset | train evaluate inference
        Loader name.
      root_dir | string | ??? | note existing folder | train evaluate inference
        Data root; a leading ~ is the home folder.
      data_name | string | LEVIR-CD | note LEVIR-CD, LEVIR, LandSCD or custom | \
      train evaluate inference
        Chooses the display colours; any other word counts as custom, with a warning.
      label_transform | string or null | norm | note norm or None | train evaluate
        norm divides mask values by 255; any other word acts like None, with a warning.
      batch_size | int | 32 | >= 1 | train evaluate inference
        Samples per GPU and step.
      workers | int | 2 | >= 0 | train evaluate inference
        Loader threads; 0 loads in the calling thread.
      shuffle | bool | true | | -
        Accepted, never read: training data is always shuffled.
      multi_scale_train | bool | true | | train evaluate
        Loss over all five outputs.
      multi_scale_infer | bool | false | | train evaluate inference
        Average the five outputs, in validation too.
      num_classes | int | 2 | >= 2 and <= 255 | all
        Output channels, at most 255, as the value 255 of a mask means no class; more than 2 \
      switches the pictures to colours.
      img_size | int | 256 | >= 1 | all
        Square side every image is resized to; a multiple of 16 for FAN, of 32 for ViT and C-RADIO.
      image_folder_name | string | A | | train evaluate inference
        Folder of the first images.
      change_image_folder_name | string | B | | train evaluate inference
        Folder of the second images.
      list_folder_name | string | list | | train evaluate inference
        Folder of the split lists.
      annotation_folder_name | string | label | | train evaluate
        Folder of the masks.
      train_split | string | train | | train
        List name of the training split, without suffix.
      validation_split | string | val | | train
        List name of the validation split.
      test_split | string | test | | evaluate
        List name of the split that evaluate uses.
      predict_split | string | predict | | inference
        List name of the split that inference uses.
      label_suffix | string | .png | | train evaluate
        Suffix of the mask files.
      color_map | map of list of int or null | null | note num_classes entries named 0 ... \
      num_classes-1, each 3 integers from 0 to 255 | train evaluate inference
        Display colour of each class.
      class_names | list of string or null | null | note one name a class | all
        Names of the classes in reports and exported models (an extension of this build).

      [dataset.segment.quant_calibration_dataset]
      images_dir | string | '' | | -
        Accepted, unused.

      [dataset.segment.augmentation]
      with_random_crop | bool | true | | train
        Random resized crop.
      with_random_blur | bool | true | | train
        Gaussian blur.
      mean | list of float | [0.5, 0.5, 0.5] | 3 items; each finite | train evaluate inference
        Subtracted after scaling to 0-1, channels R, G, B.
      std | list of float | [0.5, 0.5, 0.5] | 3 items; each > 0 | train evaluate inference
        Divisor, channels R, G, B.

      [dataset.segment.augmentation.random_flip]
      enable | bool | true | | train
        Flip at random.
      vflip_probability | float | 0.5 | >= 0 and <= 1 | train
        Chance of a top-bottom flip.
      hflip_probability | float | 0.5 | >= 0 and <= 1 | train
        Chance of a left-right flip.

      [dataset.segment.augmentation.random_rotate]
      enable | bool | true | | train
        Rotate at random.
      rotate_probability | float | 0.5 | >= 0 and <= 1 | train
        Chance of a rotation.
      angle_list | list of float | [90, 180, 270] | 1 or more items; each finite | train
        Angles in degrees, drawn uniformly.

      [dataset.segment.augmentation.random_color]
      enable | bool | true | | train
        Jitter colours at random.
      enabled -> enable
      brightness | float | 0.3 | >= 0 | train
        Half-range of the brightness factor; 0 switches it off.
      contrast | float | 0.3 | >= 0 | train
        Half-range of the contrast factor; 0 switches it off.
      saturation | float | 0.3 | >= 0 | train
        Half-range of the saturation factor; 0 switches it off.
      hue | float | 0.3 | >= 0 and <= 0.5 | train
        Half-range of the hue shift, as fraction of the hue circle; 0 switches it off.
      color_probability | float | 0.5 | >= 0 and <= 1 | train
        Chance that the jitter is applied.

      [dataset.segment.augmentation.with_scale_random_crop]
      enable | bool | true | | train
        Enlarge, then crop.
      enabled -> enable
      scale_range | list of float | [1, 1.2] | 2 items; each > 0; ascending | train
        Lowest and highest enlargement, drawn uniformly.
      """;

  private static final String TASKS =
      """
      [evaluate]
      checkpoint | string | ??? | note .pth or .tlt file | evaluate
        Trained model.
      trt_engine | string or null | null | | -
        TensorRT engine, for TAO Deploy only.
      num_gpus | int | 1 | >= 1 | evaluate
        Number of GPUs; reconciled with gpu_ids, only the first is used.
      gpu_ids | list of int | [0] | note distinct indices >= 0 | evaluate
        GPU indices.
      num_nodes | int | 1 | >= 1 | evaluate
        Accepted; the task runs on one machine.
      results_dir | string or null | null | | evaluate
        Results directory of the task; empty or null means <results_dir>/evaluate.
      vis_after_n_batches | int | 1 | >= 1 | evaluate
        Write pictures for every n-th batch.
      batch_size | int | -1 | -1 or >= 1 | evaluate
        TensorRT only; checkpoints run with dataset.segment.batch_size.

      [inference]
      checkpoint | string | ??? | note .pth or .tlt file | inference
        Trained model.
      trt_engine | string or null | null | | -
        TensorRT engine, for TAO Deploy only.
      num_gpus | int | 1 | >= 1 | inference
        Number of GPUs; reconciled with gpu_ids, more than 1 is not supported by this build.
      gpu_ids | list of int | [0] | note distinct indices >= 0 | inference
        GPU indices.
      num_nodes | int | 1 | >= 1 | inference
        Accepted; the task runs on one machine.
      results_dir | string or null | null | | inference
        Results directory of the task; empty or null means <results_dir>/inference.
      vis_after_n_batches | int | 1 | >= 1 | inference
        Write pictures for every n-th batch.
      batch_size | int | -1 | -1 or >= 1 | inference
        TensorRT only; checkpoints run with dataset.segment.batch_size.
      image_a | string or null | null | note picture or folder of pictures | inference
        First picture, or a folder of them; with image_b it replaces the lists of \
      dataset.segment.root_dir (an extension of this build).
      image_b | string or null | null | note as image_a; folders match by file name | inference
        Second picture, or a folder of them (an extension of this build).
      masks | bool or null | null | | inference
        Write class ids as palette PNG files; null means with image_a and image_b (an extension of \
      this build).
      probabilities | string | none | one of none, change, all, npy | inference
        Write the probability of change, or of every class, as 16-bit PNG files or NumPy arrays (an \
      extension of this build).
      output_size | string | img_size | one of img_size, original | inference
        Size of masks and probabilities: img_size or that of the first picture (an extension of this \
      build).
      threshold | string or null | null | note number between 0 and 1, or a metrics.json or its \
      folder | inference
        A pixel counts as changed from this probability on; null takes the most probable class (an \
      extension of this build).
      flips | bool | false | | inference
        Average the probabilities of the pair and its three mirror images (an extension of this \
      build).

      [inference.tiles]
      enabled | bool | false | | inference
        Predict large pictures in tiles of img_size at their own size instead of shrinking them (an \
      extension of this build).
      overlap | float | 0.25 | >= 0 and <= 0.5 | inference
        Least part of a tile that lies on its neighbour, where the two are blended.

      [export]
      checkpoint | string | ??? | note .pth or .tlt file | export
        Model to export.
      onnx_file | string or null | ??? | note .onnx or .etlt file that does not exist yet | export
        Output file; null means the checkpoint's path with suffix .onnx.
      results_dir | string or null | null | | export
        Directory for status and spec; empty or null means <results_dir>/export.
      gpu_id | int | 0 | >= 0 | export
        GPU index; checked, but export runs on the CPU.
      on_cpu | bool | false | | export
        Build and trace on the CPU.
      input_channel | int | 3 | = 3 | export
        Channels of the input images.
      input_width | int | 128 | >= 1 | export
        Width of the exported network; a multiple of 16 for FAN, img_size for ViT and C-RADIO.
      input_height | int | 512 | >= 1 | export
        Height of the exported network; a multiple of 16 for FAN, img_size for ViT and C-RADIO.
      opset_version | int | 12 | >= 1 | export
        ONNX operator set; ViT encoders need 16 and raise a lower one.
      batch_size | int | -1 | -1 or >= 1 | export
        Batch size of the exported network; -1 leaves it open.
      verbose | bool | false | | export
        Print the graph.
      format | string | onnx | one of onnx | export
        Output format.
      serialize_nvdsinfer | bool | false | | export
        Must be false for segmentation.
      dynamic_size | bool | false | | export
        Leave height and width open, FAN encoders only (an extension of this build).
      threshold | string or null | null | note number above 0 and below 1, or metrics.json | export
        Threshold of change to record in the file: a number, or the metrics.json of evaluate or its \
      folder (an extension of this build).

      [export.proof]
      enabled | bool | true | | export
        Run the written file on sample pairs and compare it with the checkpoint's network (an \
      extension of this build).
      pairs | int | 2 | >= 1 | export
        Number of sample pairs: the first of predict_split or test_split where root_dir can be read, \
      else made-up pictures (an extension of this build).
      tolerance | float | 0.0001 | > 0 and < 1 | export
        Largest difference allowed, as a share of an output's largest value (an extension of this \
      build).
      engine | string | auto | one of auto, interpreter, onnxruntime | export
        What runs the file: the built-in interpreter or ONNX Runtime; auto takes the latter where it \
      is on the class path (an extension of this build).
      """;

  private static final String TENSORRT =
      """
      [gen_trt_engine]
      results_dir | string or null | null | | -
        TAO Deploy only; this and the other keys of gen_trt_engine are never executed here.
      gpu_id | int | 0 | >= 0 | -
        TAO Deploy only.
      onnx_file | string | ??? | | -
        TAO Deploy only.
      trt_engine | string or null | null | | -
        TAO Deploy only.
      timing_cache | string or null | null | | -
        TAO Deploy only.
      input_channel | int | 3 | | -
        TAO Deploy only.
      input_width | int | 256 | | -
        TAO Deploy only.
      input_height | int | 256 | | -
        TAO Deploy only.
      opset_version | int | 17 | | -
        TAO Deploy only.
      batch_size | int | -1 | -1 or >= 1 | -
        TAO Deploy only.
      verbose | bool | false | | -
        TAO Deploy only.

      [gen_trt_engine.tensorrt]
      data_type | string | FP32 | note fp32, fp16 or int8 in any case | -
        TAO Deploy only.
      workspace_size | int | 1024 | >= 0 | -
        TAO Deploy only, in megabytes.
      min_batch_size | int | 1 | >= 1 | -
        TAO Deploy only.
      opt_batch_size | int | 1 | note >= min_batch_size | -
        TAO Deploy only.
      max_batch_size | int | 1 | note >= opt_batch_size | -
        TAO Deploy only.
      layers_precision | list of string | [] | | -
        TAO Deploy only.

      [gen_trt_engine.tensorrt.calibration]
      cal_image_dir | list of string | ??? | | -
        TAO Deploy only.
      cal_cache_file | string | ??? | | -
        TAO Deploy only.
      cal_batch_size | int | 1 | >= 1 | -
        TAO Deploy only.
      cal_batches | int | 1 | >= 1 | -
        TAO Deploy only.
      """;

  private static final String INERT =
      """
      [dataset.classify]
      image_ext | string or null | null | | -
        Classification only.
      batch_size | int | 32 | >= 1 | -
        Classification only.
      workers | int | 8 | >= 0 | -
        Classification only.
      fpratio_sampling | float | 0.1 | >= 0 and <= 1 | -
        Classification only.
      num_input | int | 8 | >= 1 | -
        Classification only.
      input_map | map of int or null | null | | -
        Classification only.
      grid_map | map of int or null | null | | -
        Classification only.
      concat_type | string or null | null | one of linear, grid | -
        Classification only.
      image_width | int | 128 | >= 1 | -
        Classification only.
      image_height | int | 128 | >= 1 | -
        Classification only.
      num_classes | int | 2 | | -
        Classification only.
      num_golden | int | 1 | >= 1 | -
        Classification only.

      [dataset.classify.train_dataset]
      csv_path | string | ??? | | -
        Classification only.
      images_dir | string | ??? | | -
        Classification only.

      [dataset.classify.validation_dataset]
      csv_path | string | ??? | | -
        Classification only.
      images_dir | string | ??? | | -
        Classification only.

      [dataset.classify.test_dataset]
      csv_path | string | ??? | | -
        Classification only.
      images_dir | string | ??? | | -
        Classification only.

      [dataset.classify.infer_dataset]
      csv_path | string | ??? | | -
        Classification only.
      images_dir | string | ??? | | -
        Classification only.

      [dataset.classify.quant_calibration_dataset]
      images_dir | string | '' | | -
        Accepted, unused.

      [dataset.classify.augmentation_config]
      rgb_input_mean | list of float | [0.485, 0.456, 0.406] | 3 items | -
        Classification only.
      rgb_input_std | list of float | [0.229, 0.224, 0.225] | 3 items | -
        Classification only.
      augment | bool | false | | -
        Classification only.
      with_random_crop | bool | true | | -
        Classification only.
      with_random_blur | bool | true | | -
        Classification only.

      [dataset.classify.augmentation_config as dataset.segment.augmentation]

      [wandb]
      enable | bool | true | | -
        Experiment tracking; accepted, unused, as are the other keys of wandb.
      project | string or null | 'TAO Toolkit' | | -
        Accepted, unused.
      entity | string or null | '' | | -
        Accepted, unused.
      group | string or null | '' | | -
        Accepted, unused.
      tags | list of string | [training, tao-toolkit] | | -
        Accepted, unused.
      reinit | bool | false | | -
        Accepted, unused.
      sync_tensorboard | bool | false | | -
        Accepted, unused.
      save_code | bool | false | | -
        Accepted, unused.
      name | string or null | 'TAO Toolkit training experiment' | | -
        Accepted, unused.
      run_id | string or null | '' | | -
        Accepted, unused.

      [quantize]
      backend | string or null | null | | -
        Accepted, unused, as are the other keys of quantize.
      mode | string or null | null | | -
        Accepted, unused.
      algorithm | string or null | null | | -
        Accepted, unused.
      layers | any | null | | -
        Accepted, unused.
      skip_names | list of string or null | null | | -
        Accepted, unused.
      model_path | string or null | null | | -
        Accepted, unused.
      results_dir | string or null | null | | -
        Accepted, unused.
      backend_kwargs | any | null | | -
        Accepted, unused.
      device | string or null | null | | -
        Accepted, unused.
      """;

  /** The whole table. */
  static final String TEXT = String.join("\n", TOP, TRAIN, MODEL, SEGMENT, TASKS, TENSORRT, INERT);
}
