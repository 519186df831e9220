namespace FerActors.Vision.Configuration;

/// <summary>What turns one channel's pixel of 0 to 255 into the network's input: <c>pixel * Scale + Offset</c>.</summary>
public readonly record struct ChannelTransform(float Scale, float Offset);
